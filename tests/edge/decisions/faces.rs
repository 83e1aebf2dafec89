//! A question through every face.

use std::collections::BTreeMap;

use gatepost_core::limits::NAME_CHARS_MAX;
use gatepost_proto::ErrorReason;
use gatepost_proto::authorize::v1 as pb;
use gatepost_proto::envoy::authorization_client::AuthorizationClient;
use reqwest::Method;
use serde_json::{Value, json};
use tonic::transport::Channel;

use super::format::{Question, named};
use super::setting::Setting;
use crate::edge::shop::{Checked, Pairs, question};
use crate::world::{Actor, NOBODY};

/// A question, whichever way it is asked.
#[derive(Clone, Debug)]
pub struct Asking {
    pub organization: String,
    /// `user NAME` or `application NAME`.
    pub who: String,
    pub product: Option<String>,
    pub resource: String,
    pub action: String,
    pub attributes: BTreeMap<String, String>,
    /// The path of a route that needs just this.
    pub path: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    /// In the words of Authorize.
    pub reason: String,
}

/// All faces of a setting.
pub struct Faces<'a> {
    setting: &'a Setting,
    envoy: AuthorizationClient<Channel>,
}

impl Asking {
    /// A named case.
    pub fn of(question: &Question) -> Self {
        Self {
            organization: question.organization.clone(),
            who: question.who.clone(),
            product: question.product.clone(),
            resource: question.resource.clone(),
            action: question.action.clone(),
            attributes: question.attributes.clone(),
            path: None,
        }
    }

    fn product(&self) -> &str {
        self.product.as_deref().unwrap_or_default()
    }

    fn message(&self, sub: &str) -> pb::AuthorizeRequest {
        pb::AuthorizeRequest {
            sub: sub.to_owned(),
            product: self.product().to_owned(),
            resource: self.resource.clone(),
            action: self.action.clone(),
            attributes: self.attributes.clone(),
            ..pb::AuthorizeRequest::default()
        }
    }

    fn rest(&self, sub: &str) -> Value {
        json!({
            "sub": sub, "product": self.product(), "resource": self.resource,
            "action": self.action, "attributes": self.attributes,
        })
    }

    fn evaluation(&self, id: &str) -> Value {
        let kind = match &self.product {
            Some(product) => format!("{product}/{}", self.resource),
            None => self.resource.clone(),
        };
        json!({
            "subject": {"type": named(&self.who).0, "id": id},
            "action": {"name": self.action},
            "resource": {"type": kind, "id": ""},
            "context": self.attributes,
        })
    }

    /// What a proxy is configured with.
    fn setting(&self) -> Vec<(String, String)> {
        let attributes = self.attributes.iter();
        let attributes =
            attributes.map(|(name, value)| (format!("attributes.{name}"), value.clone()));
        let permission = [
            ("product".to_owned(), self.product().to_owned()),
            ("resource".to_owned(), self.resource.clone()),
            ("action".to_owned(), self.action.clone()),
        ];
        permission.into_iter().chain(attributes).collect()
    }
}

impl<'a> Faces<'a> {
    pub async fn new(setting: &'a Setting) -> Self {
        let url = setting.world.url("");
        Self {
            setting,
            envoy: AuthorizationClient::connect(url).await.unwrap(),
        }
    }

    /// Asks through every face with the subject's own token, if there is such a subject.
    pub async fn ask_oneself(&self, asking: &Asking) -> Vec<(String, Answer)> {
        assert!(asking.resource.len() <= NAME_CHARS_MAX);
        let mut answers = Vec::new();
        let who = (self.slug(asking).to_owned(), asking.who.clone());
        if let Some(actor) = self.setting.actors.get(&who) {
            self.ask_as(actor, asking, &mut answers).await;
        }
        answers
    }

    /// Asks as the administrator of the organization, about whoever has the name, in whichever
    /// organization and of whichever kind.
    pub async fn ask_about(&self, asking: &Asking) -> Vec<(String, Answer)> {
        let slug = self.slug(asking);
        let name = named(&asking.who).1;
        let mut actors = self.setting.actors.iter();
        let found = actors.find(|((_, who), _)| named(who).1 == name);
        let id = found.map_or(NOBODY, |(_, actor)| &actor.id);
        let admin = &self.setting.admins[slug];
        let sub = format!("{slug}/{id}");
        let mut answers = Vec::new();
        let mut add = |face: &str, answer: Answer| answers.push((face.to_owned(), answer));
        // Authorize knows ids and no kinds.
        if found.is_none_or(|((_, who), _)| *who == asking.who) {
            add("gRPC about", self.grpc(admin, asking, &sub).await);
            add("REST about", self.rest(admin, asking, &sub).await);
        }
        add("AuthZEN about", self.authzen(admin, asking, id).await);
        add(
            "AuthZEN about, with owner",
            self.authzen(admin, asking, &sub).await,
        );
        answers
    }

    fn slug<'q>(&self, asking: &'q Asking) -> &'q str {
        let slug = &asking.organization;
        if self.setting.admins.contains_key(slug) {
            slug
        } else {
            "default"
        }
    }

    async fn ask_as(&self, actor: &Actor, asking: &Asking, answers: &mut Vec<(String, Answer)>) {
        let mut add = |face: &str, answer: Answer| answers.push((face.to_owned(), answer));
        add("gRPC", self.grpc(actor, asking, "").await);
        add("REST", self.rest(actor, asking, "").await);
        add("AuthZEN", self.authzen(actor, asking, &actor.id).await);
        let setting = asking.setting();
        let pairs: Vec<(&str, &str)> = setting
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        add("Envoy", self.envoy(actor, "/", &pairs).await);
        let allowed = self.forward_auth(actor, &setting, None).await;
        let same = |allowed, others: &[(String, Answer)]| {
            // A status says yes or no; why is what the others say.
            let reason = others.first().map(|(_, answer)| answer.reason.clone());
            let reason = reason.unwrap_or_default();
            Answer { allowed, reason }
        };
        let told = same(allowed, answers);
        answers.push(("forward-auth".to_owned(), told));
        let Some(path) = &asking.path else {
            return;
        };
        let routed = [("product", asking.product())];
        let answer = self.envoy(actor, path, &routed).await;
        answers.push(("Envoy by route".to_owned(), answer));
        let product = [("product".to_owned(), asking.product().to_owned())];
        let allowed = self.forward_auth(actor, &product, Some(path)).await;
        let told = same(allowed, answers);
        answers.push(("forward-auth by route".to_owned(), told));
    }

    async fn grpc(&self, actor: &Actor, asking: &Asking, sub: &str) -> Answer {
        let mut client = actor.client.authorize();
        match client.authorize(asking.message(sub)).await {
            Ok(response) => {
                let answer = response.into_inner();
                Answer {
                    allowed: answer.authorized,
                    reason: answer.reason,
                }
            }
            Err(status) => refused(ErrorReason::of(&status).map_or("", ErrorReason::name)),
        }
    }

    async fn rest(&self, actor: &Actor, asking: &Asking, sub: &str) -> Answer {
        let world = &self.setting.world;
        let answer = world.post(actor, "/v1/authorize", asking.rest(sub)).await;
        if answer.status != 200 {
            return refused(answer.reason());
        }
        Answer {
            allowed: answer.body["authorized"].as_bool().unwrap(),
            reason: answer.body["reason"].as_str().unwrap().to_owned(),
        }
    }

    async fn authzen(&self, actor: &Actor, asking: &Asking, id: &str) -> Answer {
        let world = &self.setting.world;
        let body = asking.evaluation(id);
        let answer = world.post(actor, "/access/v1/evaluation", body).await;
        if answer.status != 200 {
            return refused(answer.reason());
        }
        evaluated(&answer.body)
    }

    async fn envoy(&self, actor: &Actor, path: &str, extensions: Pairs<'_>) -> Answer {
        let bearer = format!("Bearer {}", actor.token);
        let headers = [("authorization", bearer.as_str())];
        let question = question("GET", path, &headers, extensions);
        let answer = self.envoy.clone().check(question).await.unwrap();
        let checked = Checked::new(answer.into_inner());
        if let Some(reason) = checked.metadata.get("reason") {
            Answer {
                allowed: checked.status == 200,
                reason: reason.clone(),
            }
        } else {
            assert_eq!(checked.status, 401, "{checked:?}");
            refused(checked.problem()["reason"].as_str().unwrap())
        }
    }

    async fn forward_auth(
        &self,
        actor: &Actor,
        setting: &[(String, String)],
        path: Option<&str>,
    ) -> bool {
        let world = &self.setting.world;
        let request = world.request(Method::GET, "/forward-auth").query(setting);
        let mut request = request.bearer_auth(&actor.token);
        if let Some(path) = path {
            let told = [("x-forwarded-method", "GET"), ("x-forwarded-uri", path)];
            request = told.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
        }
        let answer = world.send(request).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 401 | 403),
            "{}",
            answer.status
        );
        answer.status == 200
    }

    /// Asks everything that one subject is asked about at once, in both batches.
    pub async fn ask_together(&self, setting: &Setting, questions: &[Asking]) {
        let mut by_subject: BTreeMap<(&str, &str), Vec<&Asking>> = BTreeMap::new();
        for asking in questions {
            let subject = (asking.organization.as_str(), asking.who.as_str());
            by_subject.entry(subject).or_default().push(asking);
        }
        for ((slug, who), all) in by_subject {
            let actor = &setting.actors[&(slug.to_owned(), who.to_owned())];
            for some in all.chunks(500) {
                let expected: Vec<Answer> =
                    some.iter().map(|asking| setting.decide(asking)).collect();
                assert_eq!(self.batch(actor, some).await, expected, "BatchAuthorize");
                assert_eq!(self.evaluations(actor, some).await, expected, "evaluations");
            }
        }
    }

    async fn batch(&self, actor: &Actor, some: &[&Asking]) -> Vec<Answer> {
        let questions = some.iter().map(|asking| pb::Question {
            sub: String::new(),
            product: asking.product().to_owned(),
            resource: asking.resource.clone(),
            action: asking.action.clone(),
            attributes: asking.attributes.clone(),
        });
        let request = pb::BatchAuthorizeRequest {
            questions: questions.collect(),
            ..pb::BatchAuthorizeRequest::default()
        };
        let mut client = actor.client.authorize();
        let response = client.batch_authorize(request).await;
        let answers = response.unwrap().into_inner().answers.into_iter();
        let answer = |answer: pb::Answer| Answer {
            allowed: answer.authorized,
            reason: answer.reason,
        };
        answers.map(answer).collect()
    }

    async fn evaluations(&self, actor: &Actor, some: &[&Asking]) -> Vec<Answer> {
        let each = some.iter().map(|asking| asking.evaluation(&actor.id));
        let body = json!({ "evaluations": each.collect::<Vec<Value>>() });
        let world = &self.setting.world;
        let answer = world.post(actor, "/access/v1/evaluations", body).await;
        let answers = answer.is(200)["evaluations"].as_array().unwrap();
        answers.iter().map(evaluated).collect()
    }
}

fn evaluated(answer: &Value) -> Answer {
    let reason = answer["context"]["reason"].as_str();
    Answer {
        allowed: answer["decision"].as_bool().unwrap(),
        reason: reason
            .unwrap_or_else(|| panic!("no reason: {answer}"))
            .to_owned(),
    }
}

/// A call that got no decision, as the word that a decision would have had: a token that has ended
/// is of somebody who may not act.
fn refused(reason: &str) -> Answer {
    let word = match reason {
        "SUBJECT_UNKNOWN" => "subject_unknown",
        "USER_SUSPENDED" | "APPLICATION_SUSPENDED" | "ORGANIZATION_SUSPENDED" => "subject_disabled",
        other => panic!("no answer: {other}"),
    };
    Answer {
        allowed: false,
        reason: word.to_owned(),
    }
}
