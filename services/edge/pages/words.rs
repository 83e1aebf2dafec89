//! What the pages say, in each language. A word that is missing in one does not compile.

mod account;

pub use account::Account;

use crate::auth::Language;

/// The words of one language.
#[derive(Debug)]
pub struct Words {
    /// Its name (BCP 47).
    pub language: &'static str,
    /// The language of mails.
    pub letters: Language,
    /// What the pages about one's own account say.
    pub account: &'static Account,
    pub forgot_password: &'static str,
    pub forgot_text: &'static str,
    pub mail_link: &'static str,
    pub link_sent: &'static str,
    pub link_spent: &'static str,
    pub back_to_sign_in: &'static str,
    pub set_password: &'static str,
    pub change_password: &'static str,
    pub present_password: &'static str,
    pub new_password: &'static str,
    pub new_password_hint: &'static str,
    pub save_password: &'static str,
    pub password_refused: &'static str,
    pub wrong_present_password: &'static str,
    pub password_was_reset: &'static str,
    pub password_was_changed: &'static str,
    pub no_password_here: &'static str,
    pub switched_off: &'static str,
    pub sign_in: &'static str,
    pub to_continue_to: &'static str,
    pub username: &'static str,
    pub password: &'static str,
    pub problem: &'static str,
    pub no_username: &'static str,
    pub no_password: &'static str,
    pub wrong_password: &'static str,
    pub second_factor: &'static str,
    pub code: &'static str,
    pub app_hint: &'static str,
    pub code_hint: &'static str,
    pub no_code: &'static str,
    pub wrong_code: &'static str,
    pub code_sent: &'static str,
    pub send_email: &'static str,
    pub send_sms: &'static str,
    pub challenge_over: &'static str,
    pub enrol: &'static str,
    pub enrol_text: &'static str,
    pub key: &'static str,
    pub open_app: &'static str,
    pub recovery_codes: &'static str,
    pub recovery_text: &'static str,
    pub too_many: &'static str,
    pub other_organization: &'static str,
    pub choose_organization: &'static str,
    pub organization: &'static str,
    pub organization_hint: &'static str,
    pub no_organization: &'static str,
    pub next: &'static str,
    pub allow_access: &'static str,
    pub asks_for: &'static str,
    pub of_openid: &'static str,
    pub of_profile: &'static str,
    pub of_email: &'static str,
    pub allow: &'static str,
    pub deny: &'static str,
    pub signed_in: &'static str,
    pub signed_in_as: &'static str,
    pub one_more_step: &'static str,
    pub sign_out: &'static str,
    pub sign_out_question: &'static str,
    pub sign_out_text: &'static str,
    pub signed_out: &'static str,
    pub signed_out_text: &'static str,
    pub sign_in_again: &'static str,
    pub request: &'static str,
    pub not_possible: &'static str,
    pub bad_request: &'static str,
    pub not_found: &'static str,
    pub stale_form: &'static str,
    pub suspended: &'static str,
    pub account_suspended: &'static str,
    pub unavailable: &'static str,
}

/// English.
pub static ENGLISH: Words = Words {
    language: "en",
    letters: Language::English,
    account: &account::ENGLISH,
    forgot_password: "Forgot your password?",
    forgot_text: "Enter your username or e-mail address. If there is an account, we mail a link \
         to it with which you set a new password.",
    mail_link: "Mail me a link",
    link_sent: "If there is an account of this name, a link is on its way to its e-mail address. \
         It works once, for 30 minutes.",
    link_spent: "This link was used already, or is too old. Ask for another one.",
    back_to_sign_in: "Back to signing in",
    set_password: "Set a new password",
    change_password: "Change your password",
    present_password: "Present password",
    new_password: "New password",
    new_password_hint: "A long one is better than a complicated one.",
    save_password: "Save the password",
    password_refused: "This password cannot be used. Choose a longer one that is not common, not \
         your name, and none of your last ones.",
    wrong_present_password: "The present password is wrong.",
    password_was_reset: "Your new password is set, and you were signed out everywhere.",
    password_was_changed: "Your new password is set, and your other sessions ended.",
    no_password_here: "Nobody of this organization signs in with a password.",
    switched_off: "Ask your administrator for a new password.",
    sign_in: "Sign in",
    to_continue_to: "to continue to",
    username: "Username or e-mail address",
    password: "Password",
    problem: "There is a problem",
    no_username: "Enter your username or e-mail address.",
    no_password: "Enter your password.",
    wrong_password: "The username or the password is wrong.",
    second_factor: "One more step",
    code: "Code",
    app_hint: "The code that your app shows, or one of your recovery codes.",
    code_hint: "Six digits.",
    no_code: "Enter the code.",
    wrong_code: "The code is wrong, or was used before.",
    code_sent: "A code is on its way to you.",
    send_email: "Send a code by e-mail",
    send_sms: "Send a code by SMS",
    challenge_over: "That took too long, or there were too many attempts. Sign in again.",
    enrol: "Set up a second factor",
    enrol_text: "Your organization asks for one. Add this key to an authenticator app, then \
         enter the code that it shows.",
    key: "Key",
    open_app: "Open it in an app on this device",
    recovery_codes: "Recovery codes",
    recovery_text: "Keep them in a safe place. Each lets you in once when you do not have your \
         second factor.",
    too_many: "There were too many attempts. Wait a while before the next one.",
    other_organization: "Sign in to another organization",
    choose_organization: "Which organization?",
    organization: "Organization",
    organization_hint: "Its short name, as in its address: letters, digits and hyphens.",
    no_organization: "There is no organization of this name.",
    next: "Continue",
    allow_access: "Allow access?",
    asks_for: "asks to know:",
    of_openid: "that it is you, whenever you sign in",
    of_profile: "your name and your username",
    of_email: "your e-mail address",
    allow: "Allow",
    deny: "Do not allow",
    signed_in: "You are signed in",
    signed_in_as: "Signed in as",
    one_more_step: "You are signed in. Continue to the application.",
    sign_out: "Sign out",
    sign_out_question: "Sign out?",
    sign_out_text: "This signs you out of the applications that you opened in this browser, too.",
    signed_out: "You are signed out",
    signed_out_text: "You may close this window.",
    sign_in_again: "Sign in again",
    request: "Request",
    not_possible: "This is not possible",
    bad_request: "The application that sent you here made a mistake. Nothing was done.",
    not_found: "There is nothing at this address.",
    stale_form: "This page was open for too long, or was opened in an unusual way. Go back and \
         try again.",
    suspended: "This organization is suspended.",
    account_suspended: "This account is suspended. Ask your administrator.",
    unavailable: "This does not work at the moment. Try again in a minute.",
};

/// Portuguese, as in Brazil.
pub static PORTUGUESE: Words = Words {
    language: "pt-BR",
    letters: Language::Portuguese,
    account: &account::PORTUGUESE,
    forgot_password: "Esqueceu a senha?",
    forgot_text: "Informe seu nome de usuário ou e-mail. Se houver uma conta, enviaremos a ela \
         um link para definir uma nova senha.",
    mail_link: "Enviar o link",
    link_sent: "Se houver uma conta com esse nome, um link está a caminho do e-mail dela. Ele \
         funciona uma vez, por 30 minutos.",
    link_spent: "Este link já foi usado ou é antigo demais. Peça outro.",
    back_to_sign_in: "Voltar para entrar",
    set_password: "Defina uma nova senha",
    change_password: "Altere sua senha",
    present_password: "Senha atual",
    new_password: "Nova senha",
    new_password_hint: "Uma senha longa é melhor que uma complicada.",
    save_password: "Salvar a senha",
    password_refused: "Esta senha não pode ser usada. Escolha uma mais longa, que não seja \
         comum, nem seu nome, nem uma das últimas.",
    wrong_present_password: "A senha atual está incorreta.",
    password_was_reset: "Sua nova senha foi definida, e todas as suas sessões foram encerradas.",
    password_was_changed: "Sua nova senha foi definida, e suas outras sessões foram encerradas.",
    no_password_here: "Ninguém desta organização entra com senha.",
    switched_off: "Peça uma nova senha ao seu administrador.",
    sign_in: "Entrar",
    to_continue_to: "para continuar em",
    username: "Nome de usuário ou e-mail",
    password: "Senha",
    problem: "Há um problema",
    no_username: "Informe seu nome de usuário ou e-mail.",
    no_password: "Informe sua senha.",
    wrong_password: "O nome de usuário ou a senha está incorreto.",
    second_factor: "Mais um passo",
    code: "Código",
    app_hint: "O código que o seu aplicativo mostra, ou um dos seus códigos de recuperação.",
    code_hint: "Seis dígitos.",
    no_code: "Informe o código.",
    wrong_code: "O código está incorreto ou já foi usado.",
    code_sent: "Um código está a caminho.",
    send_email: "Enviar um código por e-mail",
    send_sms: "Enviar um código por SMS",
    challenge_over: "Demorou demais, ou houve tentativas demais. Entre novamente.",
    enrol: "Configurar um segundo fator",
    enrol_text: "Sua organização exige um. Adicione esta chave a um aplicativo autenticador e \
         informe o código que ele mostra.",
    key: "Chave",
    open_app: "Abrir em um aplicativo neste aparelho",
    recovery_codes: "Códigos de recuperação",
    recovery_text: "Guarde-os em um lugar seguro. Cada um permite entrar uma vez quando você não \
         tiver o segundo fator.",
    too_many: "Houve tentativas demais. Aguarde um pouco antes da próxima.",
    other_organization: "Entrar em outra organização",
    choose_organization: "Qual organização?",
    organization: "Organização",
    organization_hint: "O nome curto, como no endereço: letras, números e hífens.",
    no_organization: "Não há organização com esse nome.",
    next: "Continuar",
    allow_access: "Permitir acesso?",
    asks_for: "pede para saber:",
    of_openid: "que é você, sempre que entrar",
    of_profile: "seu nome e seu nome de usuário",
    of_email: "seu e-mail",
    allow: "Permitir",
    deny: "Não permitir",
    signed_in: "Você entrou",
    signed_in_as: "Você entrou como",
    one_more_step: "Você entrou. Continue para o aplicativo.",
    sign_out: "Sair",
    sign_out_question: "Deseja sair?",
    sign_out_text: "Você também sairá dos aplicativos que abriu neste navegador.",
    signed_out: "Você saiu",
    signed_out_text: "Você pode fechar esta janela.",
    sign_in_again: "Entrar novamente",
    request: "Pedido",
    not_possible: "Não é possível",
    bad_request: "O aplicativo que enviou você para cá cometeu um erro. Nada foi feito.",
    not_found: "Não há nada neste endereço.",
    stale_form: "Esta página ficou aberta por tempo demais ou foi aberta de um modo incomum. \
         Volte e tente novamente.",
    suspended: "Esta organização está suspensa.",
    account_suspended: "Esta conta está suspensa. Fale com seu administrador.",
    unavailable: "Isto não funciona no momento. Tente novamente em um minuto.",
};

/// The first language of a list that we speak: of `ui_locales` (OpenID Connect Core §3.1.2.1),
/// which are separated by blanks, or of `Accept-Language` (RFC 9110 §12.5.4).
pub fn spoken(wanted: &str) -> Option<&'static Words> {
    let mut wanted: Vec<(&str, f32)> = wanted
        .split([',', ' '])
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.split_once(";q=") {
            Some((tag, weight)) => (tag.trim(), weight.trim().parse().unwrap_or(0.0)),
            None => (piece.trim(), 1.0),
        })
        .collect();
    wanted.retain(|(_, weight)| *weight > 0.0);
    wanted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    wanted.iter().find_map(|(tag, _)| {
        let primary = tag.split('-').next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" | "*" => Some(&ENGLISH),
            "pt" => Some(&PORTUGUESE),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_we_speak_wins() {
        let language = |wanted| spoken(wanted).map(|words| words.language);
        assert_eq!(language("pt-BR,pt;q=0.9,en;q=0.8"), Some("pt-BR"));
        assert_eq!(language("de, en;q=0.7, pt;q=0.9"), Some("pt-BR"));
        assert_eq!(language("fr-CA pt-PT en"), Some("pt-BR"));
        assert_eq!(language("EN-gb"), Some("en"));
        assert_eq!(language("pt;q=0, *"), Some("en"));
        for nothing in ["", "de", "pt;q=x", ";;;", "-"] {
            assert_eq!(language(nothing), None, "{nothing}");
        }
    }
}
