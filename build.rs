//! Turns `proto/` into the contract crate: types, JSON mapping, clients and servers, descriptor
//! set, validation, rules, REST table and OpenAPI document. Pure Rust, nothing to install.
//!
//! What a proto file says and this generator does not understand stops the build: a rule that is
//! silently dropped would be a hole.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "kinds of fields that the contract does not use are treated alike"
)]

#[path = "build/bindings.rs"]
mod bindings;
#[path = "build/contract.rs"]
mod contract;
#[path = "build/messages.rs"]
mod messages;
#[expect(
    clippy::indexing_slicing,
    reason = "indexing a JSON object by a new key adds it"
)]
#[path = "build/openapi.rs"]
mod openapi;
#[path = "build/rules.rs"]
mod rules;
#[expect(
    clippy::indexing_slicing,
    reason = "indexing a JSON object by a new key adds it"
)]
#[path = "build/schema.rs"]
mod schema;

use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use contract::Contract;

/// Any failure of the build; its text is what the developer reads.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Where protos are imported from: ours, and those of others.
const ROOTS: [&str; 2] = ["proto", "third_party/proto"];

fn main() -> Result<()> {
    for watched in ["build.rs", "build", "proto", "third_party/proto"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let files = proto_files(Path::new("proto"))?;

    let mut compiler = protox::Compiler::new(ROOTS)?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    // Encoded by protox itself: a decoded set of prost has lost every extension option.
    let with_comments = compiler.encode_file_descriptor_set();
    let contract = Contract::read(&with_comments)?;

    generate_types(compiler.file_descriptor_set(), &contract)?;
    generate_json(&with_comments)?;
    accept_null(&out, &contract)?;
    fs::write(out.join("descriptors.bin"), without_comments(&files)?)?;
    fs::write(out.join("messages.rs"), messages::generate(&contract)?)?;
    fs::write(out.join("bindings.rs"), bindings::generate(&contract)?)?;
    fs::write(out.join("openapi.json"), openapi::generate(&contract)?)?;
    if env::var_os("CARGO_FEATURE_ENVOY").is_some() {
        generate_envoy()?;
    }
    Ok(())
}

/// Every proto file below `folder`, relative to it, in a stable order.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("proto")) {
                files.push(path.strip_prefix(folder)?.to_path_buf());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Messages, clients and servers, by prost and tonic.
fn generate_types(set: prost_types::FileDescriptorSet, contract: &Contract) -> Result<()> {
    tonic_prost_build::configure()
        // Without this the external path below is a duplicate.
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.FieldMask", "crate::mask::FieldMask")
        .extern_path(".google.protobuf.Timestamp", "crate::timestamp::Timestamp")
        .btree_map(".")
        .skip_debug(contract.messages_with_secrets())
        .emit_rerun_if_changed(false)
        .compile_fds(set)?;
    Ok(())
}

/// The part of Envoy's protocol that we speak; it is no part of the contract.
fn generate_envoy() -> Result<()> {
    let set = protox::compile(["envoy.proto"], ["build"])?;
    tonic_prost_build::configure()
        .bytes(".")
        .emit_rerun_if_changed(false)
        .compile_fds(set)?;
    Ok(())
}

/// Canonical proto3 JSON, except that default values are written.
fn generate_json(descriptors: &[u8]) -> Result<()> {
    pbjson_build::Builder::new()
        .register_descriptors(descriptors)?
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.FieldMask", "crate::mask::FieldMask")
        .extern_path(".google.protobuf.Timestamp", "crate::timestamp::Timestamp")
        .btree_map(["."])
        .emit_fields()
        .build(&[".gatepost"])?;
    Ok(())
}

/// Lets `null` stand for a field's default, as proto3 JSON has it: Go writes an empty list so.
/// pbjson refuses it for everything but messages and optional fields.
fn accept_null(out: &Path, contract: &Contract) -> Result<()> {
    const NUMBER: &str = "::pbjson::private::NumberDeserialize<_>";
    const MAP: &str = "std::collections::BTreeMap<_, _>";
    let plain = "Some(map_.next_value()?)";
    let plain_or_null = "Some(map_.next_value::<Option<_>>()?.unwrap_or_default())";
    let map = format!("map_.next_value::<{MAP}>()?");
    let map_or_null = format!("map_.next_value::<Option<{MAP}>>()?.unwrap_or_default()");
    let number = format!("map_.next_value::<{NUMBER}>()?.0");
    let number_or_null =
        format!("map_.next_value::<Option<{NUMBER}>>()?.map(|x| x.0).unwrap_or_default()");
    for package in contract::PACKAGES {
        let file = out.join(format!("{package}.serde.rs"));
        let code = fs::read_to_string(&file)?;
        let code = code
            .replace(plain, plain_or_null)
            .replace(&map, &map_or_null)
            .replace(&number, &number_or_null);
        let code = contract.enums.iter().fold(code, |code, each| {
            let name = each.name();
            code.replace(
                &format!("map_.next_value::<{name}>()? as i32"),
                &format!("map_.next_value::<Option<{name}>>()?.unwrap_or_default() as i32"),
            )
        });
        fs::write(file, code)?;
    }
    Ok(())
}

/// The descriptor set that reflection serves: comments would triple it.
fn without_comments(files: &[PathBuf]) -> Result<Vec<u8>> {
    let mut compiler = protox::Compiler::new(ROOTS)?;
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(files)?;
    Ok(compiler.encode_file_descriptor_set())
}
