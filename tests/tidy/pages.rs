//! The pages of `docs/` that are made from the source: the settings and the error reasons.

use std::fmt::Write;

use gatepost::config::{FILE_VARIABLE, SETTINGS, variable};
use gatepost_proto::ErrorReason;

use crate::tree;

/// Every page that is made, and its text as it must be.
pub fn all() -> [(&'static str, String); 2] {
    [
        ("docs/config.md", settings()),
        ("docs/errors.md", reasons()),
    ]
}

const MADE: &str = "<!-- Made by `make gen`; edit what it is made from. -->\n";

fn settings() -> String {
    let mut page = format!(
        "{MADE}\n# Settings\n\n\
         Each setting is an environment variable, or a key of one TOML file: `{listen}` there is \
         `listen` here.\nThe environment wins. The file is named by `--config FILE` or \
         `{FILE_VARIABLE}`. An empty value counts as none.\n\n\
         `gatepost config` prints what is in force, with secrets masked. An unknown name or a bad \
         value stops the start\nwith one line that says which. How to choose: \
         [running.md](running.md).\n\n\
         | Variable | Default | What it does |\n| --- | --- | --- |\n",
        listen = variable("listen"),
    );
    for setting in SETTINGS {
        let default = match setting.default {
            "" => "–".to_owned(),
            default => format!("`{default}`"),
        };
        let secret = if setting.secret { " Secret." } else { "" };
        let name = variable(setting.name);
        let about = setting.about.replace('|', "\\|");
        writeln!(page, "| `{name}` | {default} | {about}{secret} |").unwrap();
    }
    page
}

fn reasons() -> String {
    let mut page = format!(
        "{MADE}\n# Error reasons\n\n\
         Branch on the reason, never on a text. Over gRPC it is `google.rpc.ErrorInfo.reason` \
         (domain `gatepost`); over REST\nit is `reason` of an `application/problem+json` body \
         (RFC 9457):\n\n\
         ```json\n{EXAMPLE}\n```\n\n\
         `code` is the reason too, or the code that clients of Lerian's Access Manager know.\n\
         `requestId` finds the call in the log. A 429 and a 503 carry `Retry-After`.\n\n\
         | Reason | HTTP | gRPC | When |\n| --- | --- | --- | --- |\n"
    );
    for (reason, comment) in documented() {
        let (http, code) = (reason.http_status().as_u16(), code_name(reason));
        let when = comment.trim_end_matches(&suffix(reason)).trim_end();
        let when = when.replace('|', "\\|");
        writeln!(page, "| `{}` | {http} | `{code}` | {when} |", reason.name()).unwrap();
    }
    page
}

const EXAMPLE: &str = r#"{"type":"urn:gatepost:reason:permission-missing","title":"Permission missing","status":403,
 "detail":"this needs the permission `gatepost/users:get`","instance":"/v1/users",
 "code":"PERMISSION_MISSING","message":"this needs the permission `gatepost/users:get`",
 "reason":"PERMISSION_MISSING","requestId":"01979bce-6f1c-7c33-9d5e-0d8a3f1f2b77"}"#;

/// The contract's reasons with their comments, in its order, without the one that is never sent.
pub fn documented() -> Vec<(ErrorReason, String)> {
    let mut found = Vec::new();
    let mut comment: Vec<String> = Vec::new();
    for line in tree::read("proto/gatepost/error/v1/error_reason.proto").lines() {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("//") {
            comment.push(text.trim().to_owned());
        } else if let Some(name) = line.strip_prefix("ERROR_REASON_") {
            let name = name.split_whitespace().next().unwrap();
            let reason = ErrorReason::parse(name).unwrap();
            found.push((reason, comment.join(" ")));
            comment.clear();
        } else {
            comment.clear();
        }
    }
    found.retain(|(reason, _)| *reason != ErrorReason::Unspecified);
    found
}

/// How the comment of a reason must end, so that it cannot disagree with the code.
pub fn suffix(reason: ErrorReason) -> String {
    format!("{}, {}.", code_name(reason), reason.http_status().as_u16())
}

/// `PermissionDenied` as protocols write it: `PERMISSION_DENIED`.
fn code_name(reason: ErrorReason) -> String {
    let mut name = String::new();
    for c in format!("{:?}", reason.grpc_code()).chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}
