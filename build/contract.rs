//! The contract as the generators read it: RPCs with their rules and routes, messages in order.

use heck::ToSnakeCase;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind,
    MessageDescriptor, MethodDescriptor, Value,
};

use prost_types::source_code_info::Location;

use crate::Result;

/// Packages whose messages and RPCs are public; `gatepost.options` speaks to the build only.
pub const PACKAGES: [&str; 4] = [
    "gatepost.auth.v1",
    "gatepost.authorize.v1",
    "gatepost.error.v1",
    "gatepost.identity.v1",
];

/// Everything that the protos say.
pub struct Contract {
    /// In the order of their full names.
    pub rpcs: Vec<Rpc>,
    /// In the order of their full names, without map entries.
    pub messages: Vec<MessageDescriptor>,
    /// In the order of their full names.
    pub enums: Vec<EnumDescriptor>,
    /// The extension that carries validation rules.
    pub field_rules: prost_reflect::ExtensionDescriptor,
}

/// One RPC with its options.
pub struct Rpc {
    pub method: MethodDescriptor,
    /// What its comment says, without the comment marks.
    pub comment: String,
    pub access: Access,
    /// `Read`, `Write` or `Reveal`.
    pub effect: &'static str,
    pub audit: Option<String>,
    /// Whether it works in the system organization.
    pub installation: bool,
    /// Whether the answer is many messages, one after the other.
    pub streams: bool,
    /// The main route first.
    pub routes: Vec<Route>,
}

/// Who may call an RPC.
pub enum Access {
    Public,
    Authenticated,
    Permission {
        product: String,
        resource: String,
        action: String,
    },
    Custom(String),
}

/// One HTTP route of an RPC.
pub struct Route {
    pub http_method: &'static str,
    pub template: String,
    /// Proto names of the fields in the path, in its order.
    pub variables: Vec<String>,
    /// Whether the request comes in the body; the alternative is the query.
    pub body: bool,
    /// The response's field that is the body of the answer.
    pub response_body: Option<String>,
}

impl Contract {
    /// Reads a descriptor set that was encoded with its comments and extension options.
    pub fn read(descriptors: &[u8]) -> Result<Self> {
        let pool = DescriptorPool::decode(descriptors)?;
        let mut rpcs = Vec::new();
        for service in pool
            .services()
            .filter(|service| is_ours(service.package_name()))
        {
            for method in service.methods() {
                rpcs.push(Rpc::read(&pool, method)?);
            }
        }
        rpcs.sort_by(|a, b| a.method.full_name().cmp(b.method.full_name()));
        let mut messages: Vec<_> = pool
            .all_messages()
            .filter(|message| is_ours(message.package_name()) && !message.is_map_entry())
            .collect();
        messages.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        if let Some(nested) = messages
            .iter()
            .find(|message| message.parent_message().is_some())
        {
            return Err(format!("{}: nested messages have no route", nested.full_name()).into());
        }
        let mut enums: Vec<_> = pool
            .all_enums()
            .filter(|each| is_ours(each.package_name()))
            .collect();
        enums.sort_by(|a, b| a.full_name().cmp(b.full_name()));
        let field_rules = pool
            .get_extension_by_name("buf.validate.field")
            .ok_or("buf/validate/validate.proto is not imported")?;
        Ok(Self {
            rpcs,
            messages,
            enums,
            field_rules,
        })
    }

    /// Full names, with a leading dot, of the messages that must not be printed as they are.
    pub fn messages_with_secrets(&self) -> Vec<String> {
        self.messages
            .iter()
            .filter(|message| message.fields().any(|field| is_secret(&field)))
            .map(|message| format!(".{}", message.full_name()))
            .collect()
    }

    /// The RPC that takes this message.
    pub fn rpc_of(&self, request: &MessageDescriptor) -> Option<&Rpc> {
        self.rpcs.iter().find(|rpc| rpc.method.input() == *request)
    }
}

impl Rpc {
    fn read(pool: &DescriptorPool, method: MethodDescriptor) -> Result<Self> {
        let name = method.full_name().to_owned();
        if method.is_client_streaming() {
            return Err(format!("{name}: a stream of requests has no REST form").into());
        }
        let streams = method.is_server_streaming();
        let comment = comment(&method.parent_file(), method.path());
        if comment.is_empty() {
            return Err(format!("{name}: an RPC needs a comment for its caller").into());
        }
        let rule = option(pool, &method, "gatepost.options.v1.rule")?;
        let (access, effect, audit) =
            read_rule(&rule).map_err(|problem| format!("{name}: {problem}"))?;
        let installation = says(&rule, "installation");
        let http = option(pool, &method, "google.api.http")?;
        let mut routes = vec![Route::read(&method, &http)?];
        for additional in messages_of(&http, "additional_bindings") {
            routes.push(Route::read(&method, &additional)?);
        }
        if streams && routes.iter().any(|route| route.response_body.is_some()) {
            return Err(format!("{name}: each line of a stream is the whole message").into());
        }
        Ok(Self {
            method,
            comment,
            access,
            effect,
            audit,
            installation,
            streams,
            routes,
        })
    }

    /// The name on the wire, for example `gatepost.identity.v1.UserService/CreateUser`.
    pub fn wire_name(&self) -> String {
        format!(
            "{}/{}",
            self.method.parent_service().full_name(),
            self.method.name()
        )
    }
}

impl Route {
    fn read(method: &MethodDescriptor, rule: &DynamicMessage) -> Result<Self> {
        let name = method.full_name();
        let patterns = [
            ("get", "GET"),
            ("put", "PUT"),
            ("post", "POST"),
            ("delete", "DELETE"),
            ("patch", "PATCH"),
        ];
        let (http_method, template) = patterns
            .iter()
            .map(|(field, http_method)| (*http_method, text_of(rule, field)))
            .find(|(_, template)| !template.is_empty())
            .ok_or_else(|| format!("{name}: google.api.http names no method and path"))?;
        let body = match text_of(rule, "body").as_str() {
            "" => false,
            "*" => true,
            other => return Err(format!("{name}: body `{other}` is not supported").into()),
        };
        let response_body = Some(text_of(rule, "response_body")).filter(|field| !field.is_empty());
        if let Some(field) = &response_body
            && method.output().get_field_by_name(field).is_none()
        {
            return Err(format!("{name}: response_body `{field}` is no field").into());
        }
        let variables = variables(&template);
        for variable in &variables {
            let field = method.input().get_field_by_name(variable);
            let is_text = field.is_some_and(|f| f.kind() == Kind::String && !f.is_list());
            if !is_text {
                return Err(format!("{name}: `{variable}` in the path is no string field").into());
            }
        }
        Ok(Self {
            http_method,
            template,
            variables,
            body,
            response_body,
        })
    }
}

/// Names of the variables of a path template.
fn variables(template: &str) -> Vec<String> {
    let opened = template.split('{').skip(1);
    let inner = opened.filter_map(|rest| rest.split('}').next());
    inner
        .filter_map(|inner| inner.split('=').next())
        .map(str::to_owned)
        .collect()
}

fn read_rule(
    rule: &DynamicMessage,
) -> std::result::Result<(Access, &'static str, Option<String>), String> {
    let effect = match rule.get_field_by_name("effect").as_deref() {
        Some(Value::EnumNumber(1)) => "Read",
        Some(Value::EnumNumber(2)) => "Write",
        Some(Value::EnumNumber(3)) => "Reveal",
        _ => return Err("its rule has no effect".to_owned()),
    };
    let custom = text_of(rule, "custom");
    let permission = text_of(rule, "permission");
    let access = if says(rule, "public") {
        Access::Public
    } else if says(rule, "authenticated") {
        Access::Authenticated
    } else if !custom.is_empty() {
        Access::Custom(custom)
    } else if permission.is_empty() {
        return Err("its rule does not say who may call it".to_owned());
    } else {
        read_permission(&permission)
            .ok_or_else(|| format!("`{permission}` is not `product/resource:action`"))?
    };
    Ok((
        access,
        effect,
        Some(text_of(rule, "audit")).filter(|audit| !audit.is_empty()),
    ))
}

/// Whether a flag of a rule is set.
fn says(rule: &DynamicMessage, field: &str) -> bool {
    matches!(
        rule.get_field_by_name(field).as_deref(),
        Some(Value::Bool(true))
    )
}

/// Reads `product/resource:action`.
fn read_permission(text: &str) -> Option<Access> {
    let (product, rest) = text.split_once('/')?;
    let (resource, action) = rest.rsplit_once(':')?;
    let (product, resource, action) = (product.into(), resource.into(), action.into());
    Some(Access::Permission {
        product,
        resource,
        action,
    })
}

/// An option of a method; its absence stops the build.
fn option(pool: &DescriptorPool, method: &MethodDescriptor, name: &str) -> Result<DynamicMessage> {
    let extension = pool
        .get_extension_by_name(name)
        .ok_or_else(|| format!("`{name}` is not imported"))?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return Err(format!("{}: an RPC needs the option `{name}`", method.full_name()).into());
    }
    let value = options.get_extension(&extension).into_owned();
    value
        .as_message()
        .cloned()
        .ok_or_else(|| format!("`{name}` is no message").into())
}

fn messages_of(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = message.get_field_by_name(field);
    let items = value
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_message)
        .cloned()
        .collect()
}

/// A string field of a message of options; empty when it is not set.
pub fn text_of(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .as_deref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn is_ours(package: &str) -> bool {
    PACKAGES.contains(&package)
}

/// The comment before a declaration, without its leading blanks.
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let Some(info) = &file.file_descriptor_proto().source_code_info else {
        return String::new();
    };
    let place = info.location.iter().find(|location| location.path == path);
    let text = place.map(Location::leading_comments).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// Whether a field is marked `debug_redact`.
pub fn is_secret(field: &FieldDescriptor) -> bool {
    let value = field.options();
    let marked = value.get_field_by_name("debug_redact");
    matches!(marked.as_deref(), Some(Value::Bool(true)))
}

/// The path of a message or an enum in the contract crate.
pub fn rust_type(package: &str, name: &str) -> String {
    let module = package.trim_start_matches("gatepost.").replace('.', "::");
    format!("crate::{module}::{name}")
}

/// The name of a field in Rust, as prost spells it.
pub fn rust_field(field: &FieldDescriptor) -> String {
    const RESERVED: [&str; 12] = [
        "as", "enum", "fn", "for", "if", "in", "match", "mod", "move", "ref", "type", "use",
    ];
    let name = field.name().to_snake_case();
    if RESERVED.contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}
