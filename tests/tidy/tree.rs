//! The files of this repository, as its tests read them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what was built, downloaded or stored, and nothing that anybody wrote.
const SKIPPED: [&str; 8] = [
    ".git",
    "artifacts",
    "corpus",
    "coverage",
    "data",
    "gatepost-data",
    "node_modules",
    "target",
];

/// A text file of the repository.
pub struct File {
    /// From the root, with `/` on every system.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// The folder that holds everything.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file, by its path from the root.
pub fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file, in the order of the paths. What is no UTF-8 is no text.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files.push(File {
                    path: from_root(&path),
                    text,
                });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

/// Every Rust source, in the order of the paths.
pub fn sources() -> Vec<File> {
    let mut files = files();
    files.retain(|file| kind(&file.path) == "rs");
    files
}

/// What a file's name ends with, behind the last dot.
pub fn kind(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, kind)| kind)
}

/// Whether a source holds nothing but tests.
pub fn is_test(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    parts.contains(&"tests") || parts.contains(&"fuzz") || path.ends_with("/tests.rs")
}

/// The path from the root of something that a document in `folder` calls `target`.
pub fn resolve(folder: &str, target: &str) -> PathBuf {
    root().join(folder).join(target)
}

fn from_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.to_string_lossy().replace('\\', "/")
}
