//! The parameters of a request (RFC 6749 §3.2, appendix B).

use axum::body::Body;
use gatepost_proto::rest::Body as Read;
use http::request::Parts;

use super::refusal::{Code, Refusal};
use crate::gateway::body;

/// The longest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Parameters, each of them once.
#[derive(Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
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
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
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
    }
}
