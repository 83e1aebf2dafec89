//! A browser without a screen: it keeps cookies, and fills in forms.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header::HeaderMap};
use url::Url;

use crate::world::{PASSWORD, PUBLIC_URL, World};

/// A browser.
pub struct Browser<'a> {
    world: &'a World,
    /// What it was given, by name.
    pub cookies: BTreeMap<String, String>,
    /// What it speaks.
    pub language: &'static str,
}

/// What it shows.
pub struct Shown {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The text.
    pub text: String,
}

impl<'a> Browser<'a> {
    /// One that nobody has used yet.
    pub fn new(world: &'a World) -> Self {
        Self {
            world,
            cookies: BTreeMap::new(),
            language: "en",
        }
    }

    /// Goes to an address of ours.
    pub async fn get(&mut self, path: &str) -> Shown {
        let request = self.world.request(Method::GET, path);
        self.send(request).await
    }

    /// Sends a form from a page of ours.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let request = self.world.request(Method::POST, path).form(fields);
        self.send(
            request
                .header("sec-fetch-site", "same-origin")
                .header("origin", PUBLIC_URL),
        )
        .await
    }

    /// Sends a request with the cookies, and keeps those that come back.
    pub async fn send(&mut self, request: reqwest::RequestBuilder) -> Shown {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header("accept-language", self.language);
        let request = request.header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Shown {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// Fills in the form of a sign-in page with the password of everybody.
    pub async fn fill_in(&mut self, path: &str, username: &str) -> Shown {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let token = page.field("form_token");
        let fields = [
            ("form_token", token.as_str()),
            ("username", username),
            ("password", PASSWORD),
        ];
        self.post(path, &fields).await
    }

    /// Asks for something, signs in on the way if it has to, and answers where that leads.
    pub async fn walk(&mut self, path: &str, username: &str) -> Shown {
        let shown = self.get(path).await;
        if shown.status != 303 || !shown.location().contains("/signin?") {
            return shown;
        }
        let back = self.fill_in(shown.location(), username).await;
        assert_eq!(back.status, 303, "{}", back.text);
        self.get(back.location()).await
    }
}

impl Shown {
    /// Where the browser is sent.
    #[track_caller]
    pub fn location(&self) -> &str {
        let location = self.headers.get("location");
        location.expect("a redirect").to_str().unwrap()
    }

    /// A parameter of the address to which the browser is sent; empty when it is not there.
    #[track_caller]
    pub fn told(&self, name: &str) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        let url = Url::parse(self.location()).unwrap();
        let mut pairs = url.query_pairs().filter(|(known, _)| known == name);
        let value = pairs.next().map(|(_, value)| value.into_owned());
        assert!(pairs.next().is_none(), "`{name}` is there twice");
        value.unwrap_or_default()
    }

    /// The value of a field of a form.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&mark).expect("a field");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Where the form goes.
    #[track_caller]
    pub fn action(&self) -> String {
        let (_, rest) = self.text.split_once("action=\"").expect("a form");
        let action = rest.split('"').next().unwrap();
        action.replace("&amp;", "&").replace("&#38;", "&")
    }

    /// A header as text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
