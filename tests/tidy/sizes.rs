//! Limits of size. An exception names its file and its reason, and goes when it is not needed.

use crate::{refuse, rust, tree};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// Files whose lines may be longer.
const WIDE: [(&str, &str); 1] = [(
    "tests/tidy/pages.rs",
    "pages are written as they will stand",
)];

#[test]
fn functions_fit_on_a_screen() {
    let mut faults = Vec::new();
    for file in tree::sources() {
        for function in rust::functions(&rust::code(&file.text)) {
            if function.lines > FUNCTION_LINES_MAX {
                let rust::Function { name, line, lines } = function;
                faults.push(format!("{}:{line}: `{name}` has {lines} lines", file.path));
            }
        }
    }
    refuse(
        &faults,
        "A function of more than 70 lines cannot be seen whole: split it.",
    );
}

#[test]
fn files_are_about_one_thing() {
    let mut faults = Vec::new();
    for file in tree::sources() {
        let (production, _) = rust::split_tests(&file.text);
        let lines = production.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines without its tests", file.path));
        }
    }
    refuse(
        &faults,
        "A file of more than 500 lines is about two things: split it.",
    );
}

#[test]
fn lines_fit_beside_each_other() {
    let (mut faults, mut used) = (Vec::new(), Vec::new());
    for file in tree::sources() {
        let is_wide = |line: &&(usize, &str)| line.1.chars().count() > COLUMNS_MAX;
        let wide: Vec<_> = (1..).zip(file.text.lines()).collect();
        let wide: Vec<_> = wide.iter().filter(is_wide).collect();
        if !wide.is_empty() && WIDE.iter().any(|(path, _)| *path == file.path) {
            used.push(file.path);
            continue;
        }
        for (line, text) in wide {
            faults.push(format!(
                "{}:{line}: {} columns",
                file.path,
                text.chars().count()
            ));
        }
    }
    for (path, _) in WIDE {
        if !used.iter().any(|used| used == path) {
            faults.push(format!("{path}: needs no exception any more"));
        }
    }
    refuse(
        &faults,
        "100 columns are what two files side by side leave on a laptop.",
    );
}
