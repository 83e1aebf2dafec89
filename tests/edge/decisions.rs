//! One decision, one answer: the named cases of `tests/cases` and thousands of generated questions,
//! through every face and against the core itself.

mod faces;
#[path = "../../core/tests/cases/format.rs"]
mod format;
mod generated;
mod setting;

use futures::StreamExt as _;
use futures::stream;

use crate::servers::repository_root;
use faces::{Asking, Faces};
use format::Cases;
use setting::Setting;

/// Questions that are asked at the same time.
const AT_ONCE: usize = 16;

#[tokio::test]
async fn every_face_answers_as_the_cases_say() {
    let mut asked = 0;
    for (file, cases) in format::load(&repository_root().join("tests/cases")) {
        let setting = Setting::new(&cases).await;
        let faces = Faces::new(&setting).await;
        for question in &cases.questions {
            let asking = Asking::of(question);
            let mut answers = faces.ask_oneself(&asking).await;
            answers.extend(faces.ask_about(&asking).await);
            for (face, answer) in answers {
                let about = format!("{file} ({}): {}: {face}", cases.about, question.name);
                assert_eq!(answer.reason, question.expect, "{about}");
                assert_eq!(answer.allowed, question.allowed(), "{about}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 500, "only {asked} answers were compared");
}

#[tokio::test]
async fn thousands_of_questions_have_one_answer_each() {
    let (cases, questions) = generated::installation();
    let setting = Setting::new(&cases).await;
    let faces = Faces::new(&setting).await;
    let compared = stream::iter(questions.iter().enumerate()).map(|(number, asking)| {
        let (faces, setting) = (&faces, &setting);
        async move {
            let expected = setting.decide(asking);
            let mut answers = faces.ask_oneself(asking).await;
            if number % 4 == 0 {
                answers.extend(faces.ask_about(asking).await);
            }
            for (face, answer) in &answers {
                assert_eq!(answer, &expected, "{face}: {asking:?}");
            }
            (expected.reason, answers.len())
        }
    });
    let compared: Vec<(String, usize)> = compared.buffer_unordered(AT_ONCE).collect().await;
    let answers: usize = compared.iter().map(|(_, answers)| answers).sum();
    assert!(
        compared.len() >= 2_000 && answers >= 6 * compared.len(),
        "{answers}"
    );
    for reason in ["granted", "denied", "permission", "attributes"] {
        let share = compared.iter().filter(|(had, _)| had == reason).count();
        assert!(share >= 50, "few are `{reason}`: {share}");
    }
    faces.ask_together(&setting, &questions).await;
}

/// The organizations of a file by slug, as the server has them: with a single tenant it is its
/// own.
fn slug<'a>(cases: &Cases, slug: &'a str) -> &'a str {
    if cases.single_tenant && slug != "system" {
        "default"
    } else {
        slug
    }
}
