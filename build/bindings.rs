//! Generates the table of REST bindings: one row and one typed function for each HTTP route.

use std::fmt::Write as _;

use heck::ToSnakeCase;
use prost_reflect::Kind;

use crate::Result;
use crate::contract::{Contract, Route, Rpc, rust_field, rust_type};
use crate::messages::type_of;

/// Rust source of the functions and of `BINDINGS`.
pub fn generate(contract: &Contract) -> Result<String> {
    let (mut functions, mut rows) = (String::new(), String::new());
    for rpc in &contract.rpcs {
        for (index, route) in rpc.routes.iter().enumerate() {
            let function = format!("{}_{index}", rpc.method.name().to_snake_case());
            generate_function(&mut functions, rpc, route, &function)?;
            generate_row(&mut rows, rpc, route, &function)?;
        }
    }
    Ok(format!(
        "{functions}/// Every HTTP route of the contract.\n\
         pub static BINDINGS: &[crate::rest::Binding] = &[\n{rows}];\n"
    ))
}

fn generate_function(out: &mut String, rpc: &Rpc, route: &Route, function: &str) -> Result<()> {
    let service = rpc.method.parent_service();
    let module = format!("{}_client", service.name().to_snake_case());
    let client = rust_type(
        service.package_name(),
        &format!("{module}::{}Client", service.name()),
    );
    let input = type_of(&rpc.method.input());
    writeln!(
        out,
        "fn {function}(call: crate::rest::Call) -> crate::rest::CallFuture {{\n    \
         Box::pin(async move {{\n        \
         let shape = crate::rest::Shape {{ body: {}, patch: {} }};\n        \
         let (routes, request) = crate::rest::request::<{input}>(call, shape)?;\n        \
         let mut client = {client}::new(routes).max_decoding_message_size(usize::MAX);\n        \
         let response = client.{}(request).await?;\n        \
         {}\n    }})\n}}",
        route.body,
        route.http_method == "PATCH",
        rpc.method.name().to_snake_case(),
        answer(rpc, route)?
    )?;
    Ok(())
}

/// What becomes of the answer.
fn answer(rpc: &Rpc, route: &Route) -> Result<String> {
    if rpc.streams {
        return Ok("Ok(crate::rest::lines(response))".to_owned());
    }
    Ok(format!(
        "crate::rest::reply(response, {})",
        reply(rpc, route)?
    ))
}

/// The function that serialises the answer.
fn reply(rpc: &Rpc, route: &Route) -> Result<String> {
    let Some(name) = &route.response_body else {
        return Ok("crate::rest::json".to_owned());
    };
    let output = rpc.method.output();
    let field = output
        .get_field_by_name(name)
        .ok_or("response_body is no field")?;
    let rust = rust_field(&field);
    if field.is_map() {
        return Ok(format!("|message| crate::rest::json(&message.{rust})"));
    }
    match field.kind() {
        Kind::Message(_) if !field.is_list() => Ok(format!(
            "|message| crate::rest::json_or_empty(message.{rust}.as_ref())"
        )),
        _ => Err(format!(
            "{}: response_body must be a message or a map",
            field.full_name()
        )
        .into()),
    }
}

fn generate_row(out: &mut String, rpc: &Rpc, route: &Route, function: &str) -> Result<()> {
    let empty = rpc.method.output().fields().len() == 0;
    let created = rpc.method.name().starts_with("Create");
    writeln!(
        out,
        "    crate::rest::Binding {{ rpc: {:?}, method: {:?}, template: {:?}, created: {created}, \
         empty: {empty}, body: {}, call: {function} }},",
        rpc.wire_name(),
        route.http_method,
        route.template,
        route.body
    )?;
    Ok(())
}
