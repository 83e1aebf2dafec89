//! Routes: which permission a request of a product needs, by its method and path.
//!
//! A proxy in front of a product knows requests and no permissions; the product's manifest maps
//! the one to the other. Whoever could write a path in a second way, so that it is one thing here
//! and another in the product, would be asked for the wrong permission. So a path has one form
//! here, and any other spelling of it matches nothing. There is no permission for it then, and
//! that is a refusal:
//!
//! - no empty, `.` or `..` segment: servers resolve them, or do not (RFC 3986 §5.2.4);
//! - no `\`, and no `;`, which some servers cut off as a parameter;
//! - no escape of a character that needs none (RFC 3986 §6.2.2.2), and none of `/ \ % ; : ? #`,
//!   of `.` or of a control character: whether a server decodes before or after it splits is its
//!   own affair. What is left, such as `%20`, `%40` and UTF-8, is part of a variable's value;
//! - letters as they are, case and all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits::{NAME_CHARS_MAX, ROUTE_PATH_BYTES_MAX, ROUTE_SEGMENTS_MAX};

/// Which permission of a product these requests need.
///
/// A gRPC method is a request too: `POST` of `/package.Service/Method`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// HTTP methods, in capital letters.
    pub methods: Vec<String>,
    /// The path's template. A segment is a text, `{variable}`, or `*` for anything; a custom verb
    /// may follow: `/v1/users/{id}:disable`.
    pub path: String,
    /// The resource.
    pub resource: String,
    /// The action.
    pub action: String,
}

/// Why something is no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Neither of the two forms, or both.
    #[error("must have either `methods` and `path`, or `grpc`")]
    Form,
    /// Not a method.
    #[error("must have methods in capital letters, each once")]
    Method,
    /// Not a template.
    #[error("must have a path such as `/v1/users/{{user_id}}:disable`, without escapes")]
    Path,
    /// A variable twice.
    #[error("must not name a variable twice")]
    Variable,
    /// Too long a template.
    #[error(
        "must have a path of at most {} segments, {} bytes",
        ROUTE_SEGMENTS_MAX,
        ROUTE_PATH_BYTES_MAX
    )]
    TooLong,
    /// Not the name of a gRPC method.
    #[error("must name a gRPC method as `package.Service/Method`, or `package.Service/*`")]
    Grpc,
    /// Another route takes these requests.
    #[error("takes a request that another route takes")]
    Duplicate,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a, 'p> {
    /// The resource.
    pub resource: &'a str,
    /// The action.
    pub action: &'a str,
    names: &'a [Box<str>],
    /// Raw segments, each with the slash before it.
    values: Vec<&'p str>,
}

impl<'a, 'p> Matched<'a, 'p> {
    /// The variables of the path and their values, decoded, in the order of the path.
    pub fn variables(&self) -> impl Iterator<Item = (&'a str, Cow<'p, str>)> {
        let named = self.names.iter().zip(&self.values);
        named
            .filter(|(name, _)| !name.is_empty())
            .filter_map(|(name, value)| Some((&**name, decoded(value.get(1..)?)?)))
    }
}

/// The routes of one product, by path and method.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    root: Node,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// By segment, with the `/` or `:` before it.
    literals: BTreeMap<Box<str>, Node>,
    variable: Option<Box<Node>>,
    ends: Vec<End>,
}

#[derive(Debug, Clone)]
struct End {
    methods: Box<[Box<str>]>,
    /// Of the variables, in the order of the path; empty for `*`.
    names: Box<[Box<str>]>,
    resource: Box<str>,
    action: Box<str>,
}

impl Routes {
    /// Adds a route.
    ///
    /// # Errors
    /// The route is none, or another one takes some of its requests; then nothing is added.
    pub fn add(&mut self, route: &Route) -> Result<(), RouteError> {
        let mut methods: Vec<Box<str>> = route.methods.iter().map(|m| m.as_str().into()).collect();
        methods.sort_unstable();
        methods.dedup();
        let once = methods.len() == route.methods.len();
        if !once || methods.is_empty() || !methods.iter().all(|method| is_method(method)) {
            return Err(RouteError::Method);
        }
        let template = template(&route.path)?;
        let mut node = &mut self.root;
        let mut names: Vec<Box<str>> = Vec::new();
        for segment in template {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.into()).or_default(),
                Segment::Variable(name) => {
                    names.push(name.into());
                    node.variable.get_or_insert_default()
                }
            };
        }
        if methods.iter().any(|method| node.end(method).is_some()) {
            return Err(RouteError::Duplicate);
        }
        node.ends.push(End {
            methods: methods.into(),
            names: names.into(),
            resource: route.resource.as_str().into(),
            action: route.action.as_str().into(),
        });
        Ok(())
    }

    /// The route of a request: its method, and its path as sent; a query is ignored.
    ///
    /// A text wins over a variable, from left to right. Nothing is allocated but the list of
    /// captured segments, and the values that hold escapes.
    pub fn find<'a, 'p>(&'a self, method: &str, path: &'p str) -> Option<Matched<'a, 'p>> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        if !is_normal(path) {
            return None;
        }
        let mut values = Vec::new();
        let rest = if path == "/" { "" } else { path };
        let end = self.root.find(method, rest, &mut values)?;
        Some(Matched {
            resource: &end.resource,
            action: &end.action,
            names: &end.names,
            values,
        })
    }

    /// About how many bytes the routes take.
    pub fn heap_bytes(&self) -> usize {
        self.root.heap_bytes()
    }
}

impl Node {
    fn end(&self, method: &str) -> Option<&End> {
        let takes = |end: &&End| end.methods.iter().any(|own| **own == *method);
        self.ends.iter().find(takes)
    }

    /// Visits each node at most once; the depth is that of the longest template.
    fn find<'p>(&self, method: &str, rest: &'p str, values: &mut Vec<&'p str>) -> Option<&End> {
        let Some((segment, rest)) = first(rest) else {
            return self.end(method);
        };
        if let Some(node) = self.literals.get(segment)
            && let Some(end) = node.find(method, rest, values)
        {
            return Some(end);
        }
        // A verb is no value: `/users/7:disable` is not the user `7:disable`.
        let node = self.variable.as_ref().filter(|_| is_slash(segment))?;
        values.push(segment);
        let end = node.find(method, rest, values);
        if end.is_none() {
            values.pop();
        }
        end
    }

    fn heap_bytes(&self) -> usize {
        let below = self.literals.iter();
        let below = below.map(|(text, node)| text.len() + size_of::<Self>() + node.heap_bytes());
        let variable = self.variable.iter();
        let variable = variable.map(|node| size_of::<Self>() + node.heap_bytes());
        let ends = self.ends.iter().map(|end| {
            let texts = end.methods.iter().chain(&end.names);
            let texts: usize = texts.map(|text| size_of::<Box<str>>() + text.len()).sum();
            size_of::<End>() + end.resource.len() + end.action.len() + texts
        });
        below.chain(variable).chain(ends).sum()
    }
}

/// A segment of a template.
enum Segment<'a> {
    /// With the `/` or `:` before it.
    Literal(&'a str),
    /// Its name; empty for `*`.
    Variable(&'a str),
}

/// Takes a template apart.
fn template(path: &str) -> Result<Vec<Segment<'_>>, RouteError> {
    if path.len() > ROUTE_PATH_BYTES_MAX || segments(path).count() > ROUTE_SEGMENTS_MAX {
        return Err(RouteError::TooLong);
    }
    if !path.starts_with('/') {
        return Err(RouteError::Path);
    }
    if path == "/" {
        return Ok(Vec::new());
    }
    let mut names: Vec<&str> = Vec::new();
    let mut template = Vec::new();
    for segment in segments(path) {
        let segment = read_segment(segment).ok_or(RouteError::Path)?;
        if let Segment::Variable(name) = segment
            && !name.is_empty()
        {
            if names.contains(&name) {
                return Err(RouteError::Variable);
            }
            names.push(name);
        }
        template.push(segment);
    }
    Ok(template)
}

fn read_segment(segment: &str) -> Option<Segment<'_>> {
    let text = segment.get(1..)?;
    if is_slash(segment) && text == "*" {
        return Some(Segment::Variable(""));
    }
    let name = text.strip_prefix('{');
    if let Some(name) = name.and_then(|name| name.strip_suffix('}')) {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(known);
        return (is_name && is_slash(segment)).then_some(Segment::Variable(name));
    }
    let dots = matches!(text, "" | "." | "..");
    (!dots && text.bytes().all(is_unreserved)).then_some(Segment::Literal(segment))
}

/// The path of a gRPC method: `package.Service/Method`, or `package.Service/*` for all of them.
///
/// # Errors
/// [`RouteError::Grpc`] when it names none.
pub fn grpc_path(name: &str) -> Result<String, RouteError> {
    let is_name = |text: &str| {
        let first = text.bytes().next();
        first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let (service, method) = name.split_once('/').ok_or(RouteError::Grpc)?;
    let good = service.split('.').all(is_name) && (method == "*" || is_name(method));
    good.then(|| format!("/{name}")).ok_or(RouteError::Grpc)
}

/// RFC 9110 §9.1 allows more; nobody uses it.
fn is_method(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    (1..=20).contains(&text.len()) && text.bytes().all(known)
}

/// Whether a path is in the one form in which it can match.
fn is_normal(path: &str) -> bool {
    path == "/" || path.starts_with('/') && segments(path).all(is_normal_segment)
}

fn is_normal_segment(segment: &str) -> bool {
    let text = segment.get(1..).unwrap_or_default();
    !matches!(text, "" | "." | "..") && (text.bytes().all(is_plain) || decode(text).is_some())
}

/// A segment's value; `None` for what is not in normal form.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('%') {
        decode(text).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(text))
    }
}

fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            decoded.push(Some(high * 16 + low).filter(|byte| may_be_escaped(*byte))?);
        } else {
            decoded.push(Some(byte).filter(|byte| is_plain(*byte))?);
        }
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What a segment may hold as it is: RFC 3986 §3.3, without `;` and `:`.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=@".contains(&byte)
}

fn may_be_escaped(byte: u8) -> bool {
    let printable = byte == b' ' || byte.is_ascii_graphic() || !byte.is_ascii();
    printable && !is_unreserved(byte) && !b"/\\%;:?#".contains(&byte)
}

fn is_slash(segment: &str) -> bool {
    segment.starts_with('/')
}

/// The segments of a path, each with the `/` or `:` before it.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        let (segment, after) = first(rest)?;
        rest = after;
        Some(segment)
    })
}

fn first(rest: &str) -> Option<(&str, &str)> {
    if rest.is_empty() {
        return None;
    }
    // Both are ASCII, so this never parts a character.
    let bytes = rest.bytes().enumerate().skip(1);
    let end = bytes
        .filter(|(_, byte)| matches!(byte, b'/' | b':'))
        .map(|(at, _)| at)
        .next();
    rest.split_at_checked(end.unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests;
