//! Finds the route of a path. Built once into a tree; a look-up visits each node at most once.
//!
//! axum's own matcher refuses `/v1/users/{id}:disable`, the usual spelling of a custom verb.

use std::collections::BTreeMap;

use super::percent::{BadEscape, Dialect, decode};
use super::template::{Segment, Template, TemplateError, Variable};

/// Routes by path and method.
#[derive(Debug, Default)]
pub struct Matcher {
    root: Node,
}

/// What a path and a method come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A route, by its place in the list the matcher was built from, and its variables.
    Route(usize, Vec<(&'static str, String)>),
    /// The path is known with these methods only, in alphabetical order.
    OtherMethods(Vec<&'static str>),
    /// No route has this path.
    Nothing,
    /// The path holds a bad escape.
    Malformed,
}

#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    any: Option<Box<Node>>,
    /// Routes that end here.
    here: Vec<End>,
    /// Routes that take the rest of the path from here.
    rest: Vec<End>,
}

#[derive(Debug)]
struct End {
    method: &'static str,
    verb: Option<&'static str>,
    route: usize,
    variables: Vec<Variable>,
}

/// A path that is being looked up.
struct Path<'a> {
    /// As sent; without its verb, when one is looked for.
    raw: Vec<&'a str>,
    /// Decoded once.
    decoded: Vec<String>,
    verb: Option<&'a str>,
}

impl Matcher {
    /// Builds a matcher from methods and path templates.
    ///
    /// # Errors
    /// A template is malformed, or there twice with the same method.
    pub fn new(
        routes: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, TemplateError> {
        let mut matcher = Self::default();
        for (route, (method, text)) in routes.into_iter().enumerate() {
            let template = Template::parse(text)?;
            let ends = matcher.root.ends(&template.segments);
            let (verb, variables) = (template.verb, template.variables);
            if ends
                .iter()
                .any(|end| end.method == method && end.verb == verb)
            {
                return Err(TemplateError::Duplicate(text.to_owned()));
            }
            ends.push(End {
                method,
                verb,
                route,
                variables,
            });
        }
        Ok(matcher)
    }

    /// Finds the route of a path as it was sent, without its query.
    ///
    /// Literals win over variables, and a verb wins over a variable that could hold it.
    pub fn find(&self, method: &str, path: &str) -> Found {
        let Some(path) = path.strip_prefix('/') else {
            return Found::Nothing;
        };
        let mut methods = Vec::new();
        // Only a colon that was sent as such parts a verb; `%3A` belongs to the value.
        let verb = path
            .rsplit_once(':')
            .filter(|(_, verb)| !verb.contains('/'));
        for (path, verb) in verb
            .map(|(path, verb)| (path, Some(verb)))
            .into_iter()
            .chain([(path, None)])
        {
            let Ok(path) = Path::read(path, verb) else {
                return Found::Malformed;
            };
            let mut ends = Vec::new();
            self.root.walk(&path, 0, &mut ends);
            if let Some(end) = ends.iter().find(|end| end.method == method) {
                return path.variables(end).map_or(Found::Malformed, |variables| {
                    Found::Route(end.route, variables)
                });
            }
            methods.extend(ends.iter().map(|end| end.method));
        }
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            Found::Nothing
        } else {
            Found::OtherMethods(methods)
        }
    }
}

impl Node {
    /// The list of routes where a template ends.
    fn ends(&mut self, segments: &[Segment]) -> &mut Vec<End> {
        let Some((first, others)) = segments.split_first() else {
            return &mut self.here;
        };
        match first {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default().ends(others),
            Segment::Any => self.any.get_or_insert_default().ends(others),
            Segment::Rest => &mut self.rest,
        }
    }

    /// Adds the routes that match from segment `index` on, the most literal first.
    ///
    /// The depth of the recursion is that of the longest template, whatever the path.
    fn walk<'a>(&'a self, path: &Path<'_>, index: usize, found: &mut Vec<&'a End>) {
        let fits = |end: &&End| end.verb == path.verb;
        if let Some(segment) = path.decoded.get(index) {
            if let Some(node) = self.literals.get(segment) {
                node.walk(path, index + 1, found);
            }
            if let Some(node) = self.any.as_ref().filter(|_| !segment.is_empty()) {
                node.walk(path, index + 1, found);
            }
        } else {
            found.extend(self.here.iter().filter(fits));
        }
        found.extend(self.rest.iter().filter(fits));
    }
}

impl<'a> Path<'a> {
    fn read(path: &'a str, verb: Option<&'a str>) -> Result<Self, BadEscape> {
        let raw: Vec<_> = path.split('/').collect();
        let decoded: Result<Vec<_>, _> = raw
            .iter()
            .map(|segment| decode(segment, Dialect::Segment))
            .collect();
        Ok(Self {
            raw,
            decoded: decoded?,
            verb,
        })
    }

    fn variables(&self, end: &End) -> Result<Vec<(&'static str, String)>, BadEscape> {
        let value = |variable: &Variable| {
            let last = variable.end.unwrap_or(self.raw.len());
            let parts = self.raw.get(variable.start..last).unwrap_or_default();
            let dialect = if parts.len() == 1 {
                Dialect::Segment
            } else {
                Dialect::Segments
            };
            let parts = parts.iter().map(|part| decode(part, dialect));
            let parts: Result<Vec<_>, _> = parts.collect();
            Ok((variable.name, parts?.join("/")))
        };
        end.variables.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use gatepost_proto::rest_routes::BINDINGS;
    use proptest::prelude::*;

    use super::*;

    const ROUTES: [(&str, &str); 9] = [
        ("GET", "/v1/users"),
        ("POST", "/v1/users"),
        ("GET", "/v1/users/{id}"),
        ("DELETE", "/v1/users/{id}"),
        ("GET", "/v1/users/me"),
        ("POST", "/v1/users/{id}:disable"),
        ("GET", "/v1/files/{path=**}"),
        ("GET", "/v1/{shelf=shelves/*}/books/{book}"),
        ("GET", "/v1/users/{id}/roles/{role}"),
    ];

    fn find(method: &str, path: &str) -> Found {
        Matcher::new(ROUTES).map_or(Found::Malformed, |matcher| matcher.find(method, path))
    }

    fn route(index: usize, variables: &[(&'static str, &str)]) -> Found {
        let owned = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Found::Route(index, owned.collect())
    }

    #[test]
    fn finds_literals_before_variables() {
        assert_eq!(find("GET", "/v1/users"), route(0, &[]));
        assert_eq!(find("POST", "/v1/users"), route(1, &[]));
        assert_eq!(find("GET", "/v1/users/me"), route(4, &[]));
        assert_eq!(find("DELETE", "/v1/users/me"), route(3, &[("id", "me")]));
        assert_eq!(find("GET", "/v1/%75sers/x"), route(2, &[("id", "x")]));
    }

    #[test]
    fn knows_verbs() {
        assert_eq!(
            find("POST", "/v1/users/7:disable"),
            route(5, &[("id", "7")])
        );
        assert_eq!(
            find("POST", "/v1/users/a:b:disable"),
            route(5, &[("id", "a:b")])
        );
        // No such verb: the colon belongs to the value.
        assert_eq!(
            find("GET", "/v1/users/7:other"),
            route(2, &[("id", "7:other")])
        );
        assert_eq!(
            find("GET", "/v1/users/7%3Adisable"),
            route(2, &[("id", "7:disable")])
        );
        assert_eq!(
            find("POST", "/v1/users/7"),
            Found::OtherMethods(vec!["DELETE", "GET"])
        );
    }

    #[test]
    fn keeps_an_escaped_slash_inside_its_variable() {
        assert_eq!(find("GET", "/v1/users/a%2Fb"), route(2, &[("id", "a/b")]));
        assert_eq!(
            find("GET", "/v1/users/a%252Fb"),
            route(2, &[("id", "a%2Fb")])
        );
        assert_eq!(
            find("GET", "/v1/files/a/b%2Fc"),
            route(6, &[("path", "a/b%2Fc")])
        );
        assert_eq!(find("GET", "/v1/files"), route(6, &[("path", "")]));
        let expected = route(7, &[("shelf", "shelves/3"), ("book", "4")]);
        assert_eq!(find("GET", "/v1/shelves/3/books/4"), expected);
    }

    #[test]
    fn tells_apart_what_it_does_not_serve() {
        for unknown in [
            "",
            "/",
            "/v1",
            "/v1/users/",
            "/v1//users",
            "/v1/users/1/2",
            "*",
            "v1/users",
        ] {
            assert_eq!(find("GET", unknown), Found::Nothing, "{unknown}");
        }
        assert_eq!(
            find("PUT", "/v1/users"),
            Found::OtherMethods(vec!["GET", "POST"])
        );
        assert_eq!(find("GET", "/v1/users/%"), Found::Malformed);
        assert_eq!(find("GET", "/v1/users/%ff"), Found::Malformed);
    }

    #[test]
    fn refuses_a_route_that_is_there_twice() {
        let twice = Matcher::new([("GET", "/a/{b}"), ("GET", "/a/{c}")]);
        assert_eq!(
            twice.err(),
            Some(TemplateError::Duplicate("/a/{c}".to_owned()))
        );
    }

    #[test]
    fn finds_every_route_of_the_contract() {
        let routes = BINDINGS
            .iter()
            .map(|binding| (binding.method, binding.template));
        let Ok(matcher) = Matcher::new(routes) else {
            unreachable!("a template is malformed")
        };
        for (index, binding) in BINDINGS.iter().enumerate() {
            let path = binding.template.replace(['{', '}'], "");
            let found = matcher.find(binding.method, &path);
            assert!(
                matches!(found, Found::Route(at, _) if at == index),
                "{path}: {found:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics(method in "[A-Z]{0,7}", path in "\\PC*") {
            let _ = find(&method, &path);
            let _ = find("GET", &format!("/v1/users/{path}"));
        }

        #[test]
        fn a_variable_is_what_was_escaped(id in "[^/]{1,20}") {
            let escaped: Vec<_> = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let escaped = escaped.concat();
            let expected = route(8, &[("id", &id), ("role", &id)]);
            prop_assert_eq!(find("GET", &format!("/v1/users/{escaped}/roles/{escaped}")), expected);
        }
    }
}
