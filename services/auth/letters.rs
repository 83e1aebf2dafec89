//! What people are told by mail about their password, in their language.

use time::Duration;

use crate::delivery::Message;

/// A language of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Portuguese.
    Portuguese,
}

impl Language {
    /// The language of a tag of the contract: `pt`, or any other for English.
    pub fn of(tag: &str) -> Self {
        match tag {
            "pt" => Self::Portuguese,
            _ => Self::English,
        }
    }
}

/// The link with which somebody sets a new password.
pub fn reset_link(to: String, language: Language, link: &str, good_for: Duration) -> Message {
    let minutes = good_for.whole_minutes();
    let (subject, text) = match language {
        Language::English => (
            "Set a new password",
            format!(
                "Somebody asked for a new password for your account. If it was you, open this \
                 link within {minutes} minutes:\n\n{link}\n\nIf it was not you, do nothing: \
                 your password stays as it is.\n"
            ),
        ),
        Language::Portuguese => (
            "Defina uma nova senha",
            format!(
                "Alguém pediu uma nova senha para a sua conta. Se foi você, abra este link em \
                 até {minutes} minutos:\n\n{link}\n\nSe não foi você, não faça nada: a sua \
                 senha continua a mesma.\n"
            ),
        ),
    };
    mail(to, subject, text)
}

/// That a password was set with such a link.
pub fn password_was_set(to: String, language: Language) -> Message {
    let (subject, text) = match language {
        Language::English => (
            "Your password was changed",
            "Your password was changed with a link that was mailed to you, and you were signed \
             out everywhere. If it was not you, tell your administrator now.\n",
        ),
        Language::Portuguese => (
            "A sua senha foi alterada",
            "A sua senha foi alterada com um link enviado por e-mail, e todas as suas sessões \
             foram encerradas. Se não foi você, avise o seu administrador agora.\n",
        ),
    };
    mail(to, subject, text.to_owned())
}

fn mail(to: String, subject: &str, text: String) -> Message {
    Message::Mail {
        to,
        subject: subject.to_owned(),
        text,
    }
}
