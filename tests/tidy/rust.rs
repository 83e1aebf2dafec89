//! As much of Rust as the tree's rules need: what is code and what is not, where functions end,
//! which part of a file is tests.
#![expect(
    clippy::string_slice,
    reason = "every place was found in that same text, between two characters"
)]

/// A source with every comment and every literal blanked, line by line as long as it was.
pub fn code(text: &str) -> String {
    blank(text, true)
}

/// As [`code`], with the texts of string literals left in: what SQL or a setting names.
pub fn code_and_strings(text: &str) -> String {
    blank(text, false)
}

fn blank(text: &str, strings_too: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = match token(rest, out.chars().last()) {
            Token::Comment(length) => (length, false),
            Token::Literal(length) => (length, !strings_too),
            Token::Code => (first.len_utf8(), true),
        };
        let (piece, tail) = rest.split_at(length);
        if keep {
            out.push_str(piece);
        } else {
            // Byte for byte, so that a place in the code is the same place in the text.
            out.extend(piece.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        }
        rest = tail;
    }
    out
}

/// What the rest of a source begins with, and how many bytes of it that is.
enum Token {
    Comment(usize),
    Literal(usize),
    Code,
}

fn token(rest: &str, before: Option<char>) -> Token {
    let in_word = before.is_some_and(is_word);
    if rest.starts_with("//") {
        return Token::Comment(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Token::Comment(rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if let Some(text) = rest.strip_prefix('"') {
        return Token::Literal(1 + quoted(text, '"'));
    }
    if !in_word && let Some(length) = raw_string(rest) {
        return Token::Literal(length);
    }
    if let Some(length) = rest.strip_prefix('\'').and_then(character) {
        return Token::Literal(1 + length);
    }
    Token::Code
}

/// Bytes up to and with the closing quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Bytes of a character literal after its first quote; none for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let first = chars.next()?;
    (first == '\\' || chars.next() == Some('\'')).then(|| quoted(text, '\''))
}

fn raw_string(text: &str) -> Option<usize> {
    let marks = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    let start = text.len() - marks.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    marks[hashes..].starts_with('"').then_some(())?;
    Some(
        text[start..]
            .find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `code` holds `name`, a word or a path of words, and not just a part of a longer word.
pub fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Every word of code, in its order.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !is_word(c))
        .filter(|word| !word.is_empty())
}

/// What a source gives a name to itself.
pub fn defined(code: &str) -> Vec<&str> {
    const BEFORE: [&str; 11] = [
        "fn", "struct", "enum", "trait", "mod", "type", "const", "static", "let", "mut", "for",
    ];
    let words: Vec<&str> = words(code).collect();
    let pairs = words.windows(2).filter(|pair| BEFORE.contains(&pair[0]));
    pairs.map(|pair| pair[1]).collect()
}

/// The modules and crates that follow `prefix` (`crate::`, `super::`), also out of a `{…}` group.
pub fn paths_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.extend(words(rest).next());
            continue;
        };
        let mut depth = 1;
        let mut start = Some(0);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1
                && let Some(from) = start.take()
            {
                found.extend(words(&group[from..]).next());
            }
            if depth == 1 && c == ',' {
                start = Some(at + 1);
            }
        }
    }
    found
}

/// A function: its name, its first line (from 1) and how many lines it has.
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// Every function with a body, from `fn` to its closing brace.
pub fn functions(code: &str) -> Vec<Function> {
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = &code[at..];
        let Some(length) = block(rest) else { continue };
        let name = words(&rest[3..]).next().unwrap_or_default().to_owned();
        let line = code[..at].matches('\n').count() + 1;
        functions.push(Function {
            name,
            line,
            lines: rest[..length].matches('\n').count() + 1,
        });
    }
    functions
}

/// Bytes up to the end of the first `{…}`; none when a `;` ends the item before it.
fn block(rest: &str) -> Option<usize> {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && curly == 0 => return None,
            '{' if round == 0 || curly > 0 => curly += 1,
            '}' => curly -= 1,
            _ => continue,
        }
        if c == '}' && curly == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// A source without its `#[cfg(test)]` blocks, and those blocks.
pub fn split_tests(text: &str) -> (String, String) {
    let code = code(text);
    let (mut production, mut tests) = (String::new(), String::new());
    let mut from = 0;
    for (at, _) in code.match_indices("#[cfg(test)]") {
        if at < from {
            continue;
        }
        let length = block(&code[at + 12..]).map_or(12, |length| length + 12);
        production.push_str(&text[from..at]);
        tests.push_str(&text[at..at + length]);
        from = at + length;
    }
    production.push_str(&text[from..]);
    (production, tests)
}

#[test]
fn code_is_told_from_what_only_looks_like_it() {
    let text = "a /* tokio */ b // tokio\n\"tokio \\\" tokio\" 'x' '\\'' r#\"tokio\"# c: &'a str";
    let code = code(text);
    assert_eq!(
        words(&code).collect::<Vec<_>>(),
        ["a", "b", "c", "a", "str"]
    );
    assert_eq!(code.matches('\n').count(), 1);
    assert!(code_and_strings(text).contains("tokio \\\" tokio"));
    assert!(names("use tokio::fs;", "tokio") && !names("tokio_util", "tokio"));
    assert_eq!(
        paths_after("use crate::{a, b::{c, d}, e}; crate::f::g", "crate::"),
        ["a", "b", "e", "f"]
    );
}

#[test]
fn functions_end_where_their_block_ends() {
    let code = "fn a(x: [u8; 2]) -> T\nwhere\n    T: B,\n{\n    { }\n}\nfn b();\nfn c() {}\n";
    let found: Vec<_> = functions(code)
        .into_iter()
        .map(|f| (f.name, f.line, f.lines))
        .collect();
    assert_eq!(found, [("a".to_owned(), 1, 6), ("c".to_owned(), 8, 1)]);
    let (production, tests) = split_tests("a\n#[cfg(test)]\nmod tests { x }\nb\n");
    assert_eq!(
        (production.as_str(), tests.as_str()),
        ("a\n\nb\n", "#[cfg(test)]\nmod tests { x }")
    );
}
