//! What each page is filled with.

use askama::Template;

use super::enrol::Enrolling;
use super::qr::Picture;
use super::words::Words;

/// What all pages have.
pub struct Page {
    /// The language.
    pub words: &'static Words,
    /// What the page is called.
    pub title: &'static str,
    /// Whose it is: the organization's name.
    pub brand: String,
    /// Its first letter.
    pub initial: String,
    /// The path of the issuer.
    pub base: String,
    /// The path of the installation.
    pub root: String,
    /// What tells one release's styles from another's.
    pub version: &'static str,
    /// What proves that a form is ours.
    pub token: String,
}

/// What is wrong with a form, and the field that it is about.
pub struct Problem {
    /// The field's id.
    pub field: &'static str,
    /// What is wrong.
    pub text: &'static str,
}

/// Signing in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// What all pages have.
    pub page: Page,
    /// The name of the application that she comes from, if from one.
    pub application: String,
    /// What she typed before, or what the application says.
    pub username: String,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Whether what she typed was wrong.
    pub is_wrong: bool,
    /// Whether there are other organizations.
    pub chooses: bool,
    /// Whether one may have a link mailed to set a new password.
    pub forgets: bool,
    /// Signing in with a passkey instead.
    pub passkey: Option<PasskeyForm>,
}

/// A form that the script sends, with what a passkey signed, or with a new one.
pub struct PasskeyForm {
    /// Where it goes.
    pub action: String,
    /// What the script does: `get` uses one, `autofill` offers them in the field of the name, too,
    /// and `create` makes one.
    pub kind: &'static str,
    /// The ceremony.
    pub ceremony: String,
    /// What the browser asks the authenticator with, as JSON.
    pub options: String,
    /// Names the challenge, if there is one.
    pub mfa_token: String,
    /// What else somebody may set up who has no factor; empty otherwise.
    pub offered: String,
    /// Whether it is given a name.
    pub is_named: bool,
    /// What the button says.
    pub label: &'static str,
}

/// One's own passkeys.
#[derive(Template)]
#[template(path = "passkeys.html")]
pub struct Passkeys {
    /// What all pages have.
    pub page: Page,
    /// Who is signed in.
    pub username: String,
    /// The passkeys.
    pub items: Vec<PasskeyItem>,
    /// What was done.
    pub done: &'static str,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Recovery codes, which are told once.
    pub recovery_codes: Vec<String>,
    /// One more.
    pub passkey: Option<PasskeyForm>,
}

/// A passkey in a list.
pub struct PasskeyItem {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The day on which it was added.
    pub added: String,
    /// The day on which it was used last; empty if it never was.
    pub used: String,
    /// Whether other devices have it, too.
    pub backed_up: bool,
}

/// Asking for a link to set a new password.
#[derive(Template)]
#[template(path = "forgot_password.html")]
pub struct ForgotPassword {
    /// What all pages have.
    pub page: Page,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Whether she asked.
    pub is_sent: bool,
}

/// Setting a password.
#[derive(Template)]
#[template(path = "new_password.html")]
pub struct NewPassword {
    /// What all pages have.
    pub page: Page,
    /// What is wrong.
    pub problem: Option<Problem>,
    /// Whether the present one is asked for.
    pub asks_old: bool,
    /// Whether it was set.
    pub is_done: bool,
    /// What it means that it was.
    pub done_text: &'static str,
}

/// The second factor.
#[derive(Template)]
#[template(path = "second_factor.html")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part of the page that is there or not"
)]
pub struct SecondFactor {
    /// What all pages have.
    pub page: Page,
    /// Where the form goes.
    pub action: String,
    /// Names the challenge.
    pub mfa_token: String,
    /// The secret of a new app; empty without.
    pub secret: String,
    /// The address that opens an app with it.
    pub url: String,
    /// The same as a picture, for an app on another device.
    pub picture: Option<Picture>,
    /// The recovery codes of a first factor.
    pub recovery_codes: Vec<String>,
    /// What to enter.
    pub hint: &'static str,
    /// Whether a code was sent just now.
    pub sent: bool,
    /// Whether one may be sent by e-mail.
    pub email: bool,
    /// Whether one may be sent by SMS.
    pub sms: bool,
    /// Whether a code is asked for at all.
    pub asks_code: bool,
    /// A passkey instead.
    pub passkey: Option<PasskeyForm>,
    /// What somebody sets up who has none.
    pub enrolling: Option<Enrolling>,
    /// For how many days the device may be remembered; 0 for not at all.
    pub remember_days: u64,
    /// Whether it is to be.
    pub remembers: bool,
    /// What is wrong.
    pub problem: Option<Problem>,
}

/// Choosing a first second factor.
#[derive(Template)]
#[template(path = "choose_factor.html")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part of the page that is there or not"
)]
pub struct ChooseFactor {
    /// What all pages have.
    pub page: Page,
    /// Where the form goes.
    pub action: String,
    /// Names the challenge.
    pub mfa_token: String,
    /// What may be chosen, separated by spaces.
    pub offered: String,
    /// Whether an app may be.
    pub app: bool,
    /// Whether codes by e-mail may be.
    pub email: bool,
    /// Whether codes by SMS may be.
    pub sms: bool,
    /// Whether a passkey may be.
    pub passkey: bool,
    /// What is wrong.
    pub problem: Option<Problem>,
}

/// Choosing an organization.
#[derive(Template)]
#[template(path = "choose_organization.html")]
pub struct ChooseOrganization {
    /// What all pages have.
    pub page: Page,
    /// What was typed before.
    pub organization: String,
    /// What is wrong.
    pub problem: Option<Problem>,
}

/// Whether an application may know somebody.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct Consent {
    /// What all pages have.
    pub page: Page,
    /// The application's name.
    pub application: String,
    /// What it would learn.
    pub lines: Vec<&'static str>,
    /// Where the form goes.
    pub action: String,
    /// Who is signed in.
    pub username: String,
}

/// Whether to go on as who is signed in.
#[derive(Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount {
    /// What all pages have.
    pub page: Page,
    /// The application's name.
    pub application: String,
    /// Where the form goes.
    pub action: String,
    /// Who is signed in.
    pub username: String,
}

/// An answer that travels in a form (OAuth 2.0 Form Post Response Mode).
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct FormPost {
    /// What all pages have.
    pub page: Page,
    /// Where the form goes.
    pub action: String,
    /// The answer.
    pub fields: Vec<(&'static str, String)>,
}

/// Being signed in, and wanting nothing.
#[derive(Template)]
#[template(path = "signed_in.html")]
pub struct SignedIn {
    /// What all pages have.
    pub page: Page,
    /// Who is signed in.
    pub username: String,
}

/// One's own sessions.
#[derive(Template)]
#[template(path = "sessions.html")]
pub struct SessionsPage {
    /// What all pages have.
    pub page: Page,
    /// Who is signed in.
    pub username: String,
    /// The newest ones.
    pub sessions: Vec<SessionLine>,
    /// Whether one ended just now.
    pub has_ended: bool,
    /// Whether there are any elsewhere.
    pub has_others: bool,
}

/// One session.
pub struct SessionLine {
    /// Which one.
    pub id: String,
    /// What its device is called.
    pub device: String,
    /// The application through which it began; empty without one.
    pub application: String,
    /// Where it was used last.
    pub address: String,
    /// When it began.
    pub began: String,
    /// When it was used last.
    pub seen: String,
    /// How she proved who she is.
    pub methods: String,
    /// Whether it is in this browser.
    pub is_here: bool,
}

/// Whether to sign out.
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct SignOut {
    /// What all pages have.
    pub page: Page,
    /// Where the form goes.
    pub action: String,
    /// Who is signed in.
    pub username: String,
}

/// Having signed out.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut {
    /// What all pages have.
    pub page: Page,
}

/// What could not be done.
#[derive(Template)]
#[template(path = "trouble.html")]
pub struct NotPossible {
    /// What all pages have.
    pub page: Page,
    /// What it means to the person.
    pub text: &'static str,
    /// What it means to the application's makers.
    pub detail: String,
    /// Names the request in the log.
    pub request_id: String,
}
