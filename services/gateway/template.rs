//! Path templates of `google.api.http`: `/v1/{name=shelves/*}/books/{id}:publish`.

/// Why a template cannot be served.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not follow the grammar.
    #[error("path template `{0}` is malformed")]
    Malformed(String),
    /// Another route has it, with the same method.
    #[error("path template `{0}` is served twice")]
    Duplicate(String),
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text.
    Literal(String),
    /// `*`: one segment, whatever it is.
    Any,
    /// `**`: the rest of the path, also none of it.
    Rest,
}

/// A variable, and the segments that are its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    /// Its first segment.
    pub(super) start: usize,
    /// One past its last; none when it takes the rest.
    pub(super) end: Option<usize>,
}

/// A template, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) segments: Vec<Segment>,
    pub(super) verb: Option<&'static str>,
    pub(super) variables: Vec<Variable>,
}

impl Template {
    /// Reads a template.
    pub(super) fn parse(text: &'static str) -> Result<Self, TemplateError> {
        Self::read(text).ok_or_else(|| TemplateError::Malformed(text.to_owned()))
    }

    fn read(text: &'static str) -> Option<Self> {
        let mut template = Self {
            segments: Vec::new(),
            verb: None,
            variables: Vec::new(),
        };
        let mut rest = text.strip_prefix('/')?;
        loop {
            rest = if let Some(inner) = rest.strip_prefix('{') {
                let (variable, after) = inner.split_once('}')?;
                template.add_variable(variable)?;
                after
            } else {
                let end = rest.find(['/', ':']).unwrap_or(rest.len());
                let (segment, after) = rest.split_at_checked(end)?;
                template.add_segment(segment)?;
                after
            };
            if let Some(verb) = rest.strip_prefix(':') {
                template.verb = Some(verb).filter(|verb| is_literal(verb));
                return template.verb.is_some().then_some(template);
            }
            if rest.is_empty() {
                return Some(template);
            }
            rest = rest.strip_prefix('/')?;
        }
    }

    /// Adds `name` or `name=segments`.
    fn add_variable(&mut self, text: &'static str) -> Option<()> {
        let (name, pattern) = text.split_once('=').unwrap_or((text, "*"));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        let start = self.segments.len();
        pattern
            .split('/')
            .try_for_each(|segment| self.add_segment(segment))?;
        let open = self.segments.last() == Some(&Segment::Rest);
        let end = (!open).then_some(self.segments.len());
        self.variables.push(Variable { name, start, end });
        Some(())
    }

    fn add_segment(&mut self, text: &str) -> Option<()> {
        if self.segments.last() == Some(&Segment::Rest) {
            return None;
        }
        self.segments.push(match text {
            "*" => Segment::Any,
            "**" => Segment::Rest,
            literal if is_literal(literal) => Segment::Literal(literal.to_owned()),
            _ => return None,
        });
        Some(())
    }
}

fn is_literal(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
    !text.is_empty() && text.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_templates_apart() {
        let literal = |text: &str| Segment::Literal(text.to_owned());
        let template = Template::parse("/v1/{name=shelves/*}/books/{id}:publish");
        let expected = Template {
            segments: vec![
                literal("v1"),
                literal("shelves"),
                Segment::Any,
                literal("books"),
                Segment::Any,
            ],
            verb: Some("publish"),
            variables: vec![
                Variable {
                    name: "name",
                    start: 1,
                    end: Some(3),
                },
                Variable {
                    name: "id",
                    start: 4,
                    end: Some(5),
                },
            ],
        };
        assert_eq!(template, Ok(expected));
    }

    #[test]
    fn refuses_what_is_no_template() {
        for bad in [
            "",
            "v1",
            "/",
            "//",
            "/v1/",
            "/{",
            "/{}",
            "/{a",
            "/a}",
            "/{a}b",
            "/a:",
            "/a:b:c",
            "/**/a",
            "/{a=**}/b",
            "/{a=}",
            "/a b",
            "/{a.b}",
            "/***",
        ] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
