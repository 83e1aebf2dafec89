//! The parameters of a request (RFC 6749 §3.2, appendix B).

use axum::body::Body;
use gatepost_proto::rest::Body as Read;
use http::request::Parts;
use url::form_urlencoded;

use super::refusal::{Code, Refusal};
use crate::gateway::{body, percent};

/// The longest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;

/// The longest query that is read, in bytes: what most servers and browsers let pass.
const QUERY_BYTES_MAX: usize = 16 << 10;

/// Parameters, each of them once.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

/// What may be there more than once (RFC 8707 §2).
const REPEATED: &str = "resource";

impl Form {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// `invalid_request` for a bad escape, and for a parameter that is there twice.
    pub fn of_query(query: &str) -> Result<Self, Refusal> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(Refusal::new(Code::InvalidRequest, "the query is too long"));
        }
        let pairs = percent::pairs(query);
        let malformed = |_| Refusal::new(Code::InvalidRequest, "the query holds a bad escape");
        Self::of(pairs.map_err(malformed)?)
    }

    /// The parameters as a query, without some of them.
    pub fn query_without(&self, names: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| !names.contains(&name.as_str()))
        {
            query.append_pair(name, value);
        }
        query.finish()
    }

    /// All values of a parameter that may be there more than once.
    pub fn all(&self, name: &str) -> Vec<String> {
        let found = self
            .0
            .iter()
            .filter(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.clone()).collect()
    }

    /// Reads a form. What nobody asks for is skipped.
    ///
    /// # Errors
    /// `invalid_request` for another media type, and for a parameter that is there twice: which of
    /// them counts must never depend on who reads.
    pub async fn read(parts: &Parts, body: Body) -> Result<Self, Refusal> {
        let read = body::read(&parts.headers, body, FORM_BYTES_MAX).await;
        let pairs = match read.map_err(|status| Refusal::of_gateway(&status))? {
            Read::Form(pairs) => pairs,
            Read::Empty => Vec::new(),
            Read::Json(_) => {
                let message = "send `application/x-www-form-urlencoded`";
                return Err(Refusal::new(Code::InvalidRequest, message));
            }
        };
        Self::of(pairs)
    }

    fn of(pairs: Vec<(String, String)>) -> Result<Self, Refusal> {
        let names = pairs.iter().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = names.filter(|name| *name != REPEATED).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two.first() == two.last()) {
            let message = "a parameter is there twice";
            return Err(Refusal::new(Code::InvalidRequest, message));
        }
        Ok(Self(pairs))
    }

    /// A parameter; without a value it counts as absent (RFC 6749 §3.2), and so is empty.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` when it is not.
    pub fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        match self.get(name) {
            "" => Err(Refusal::new(
                Code::InvalidRequest,
                format!("`{name}` is missing"),
            )),
            value => Ok(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Result<Form, Refusal> {
        let pairs = pairs.iter();
        Form::of(
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn an_empty_parameter_is_absent_and_two_are_one_too_many() {
        let one = form(&[("a", "1"), ("b", "")]).unwrap();
        assert_eq!((one.get("a"), one.get("b"), one.get("c")), ("1", "", ""));
        assert!(one.required("a").is_ok() && one.required("b").is_err());
        assert!(form(&[("a", "1"), ("b", "2"), ("a", "1")]).is_err());
        let two = form(&[("resource", "x"), ("resource", "y"), ("a", "&")]).unwrap();
        assert_eq!(two.all("resource"), ["x", "y"]);
        assert_eq!(two.query_without(&["resource"]), "a=%26");
        assert!(Form::of_query("a=%zz").is_err() && Form::of_query("a=1&a=2").is_err());
    }
}
