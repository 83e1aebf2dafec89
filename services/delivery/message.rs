//! What is sent, and that nothing of it can be mistaken for something else on the way.

use gatepost_core::name::Email;
use gatepost_store::Channel;

use crate::error::{Error, Result};

/// The longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// The longest text of an e-mail, in bytes.
const MAIL_BYTES_MAX: usize = 64 << 10;
/// The longest short message, in characters, as Twilio has it.
const SMS_CHARS_MAX: usize = 1600;
/// Digits of a telephone number (E.164).
const DIGITS_MIN: usize = 8;
const DIGITS_MAX: usize = 15;

/// A message to one person. Its texts are never logged.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// An e-mail.
    Mail {
        /// The address.
        to: String,
        /// What it is about, in one line.
        subject: String,
        /// The plain text.
        text: String,
    },
    /// A short message to a telephone.
    Sms {
        /// The number, as `+` and digits (E.164).
        to: String,
        /// The text.
        text: String,
    },
}

/// A message that was read: the only thing that is ever sent. In its lines there is no line break,
/// so no header can be slipped into a mail (CWE-93).
#[derive(Clone)]
pub enum Letter {
    /// An e-mail.
    Mail(Mail),
    /// A short message.
    Sms(Sms),
}

/// An e-mail that was read.
#[derive(Clone)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

/// A short message that was read.
#[derive(Clone)]
pub struct Sms {
    /// The number.
    pub to: String,
    /// The text.
    pub text: String,
}

impl Letter {
    /// Reads a message.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for an address or a number that is none, a subject of several lines, a
    /// text that is too long.
    pub fn new(message: Message) -> Result<Self> {
        match message {
            Message::Mail { to, subject, text } => {
                let to = mail_address(&to)?;
                let is_line = !subject.is_empty()
                    && !subject.chars().any(char::is_control)
                    && subject.chars().count() <= SUBJECT_CHARS_MAX;
                if !is_line {
                    return Err(Error::invalid("subject", "a subject is one short line"));
                }
                if text.len() > MAIL_BYTES_MAX {
                    return Err(Error::invalid("text", "the text is too long for an e-mail"));
                }
                Ok(Self::Mail(Mail { to, subject, text }))
            }
            Message::Sms { to, text } => {
                let to = telephone_number(&to)?;
                if text.is_empty() || text.chars().count() > SMS_CHARS_MAX {
                    return Err(Error::invalid(
                        "text",
                        "the text is too long for a telephone",
                    ));
                }
                Ok(Self::Sms(Sms { to, text }))
            }
        }
    }

    /// What it travels by.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Mail(_) => Channel::Mail,
            Self::Sms(_) => Channel::Sms,
        }
    }
}

/// One address and nothing beside it: no name, no list, no line break.
fn mail_address(text: &str) -> Result<String> {
    let refused = || Error::invalid("to", "this is no e-mail address");
    let address = Email::parse(text).map_err(|_| refused())?.into_string();
    let has_more = address
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || ",;:<>()[]\\\"".contains(c));
    if has_more || address.parse::<lettre::Address>().is_err() {
        return Err(refused());
    }
    Ok(address)
}

fn telephone_number(text: &str) -> Result<String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_number = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if is_number {
        Ok(text.to_owned())
    } else {
        let message = "a telephone number is `+` with country code and digits";
        Err(Error::invalid("to", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Result<Letter> {
        Letter::new(Message::Mail {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "hello\r\nBcc: this is text\r\n.\r\n".to_owned(),
        })
    }

    fn sms(to: &str, text: &str) -> Result<Letter> {
        Letter::new(Message::Sms {
            to: to.to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn e_mail_header_injection_is_refused() {
        assert!(mail("ann@example.com", "Olá, Ann").is_ok());
        for subject in [
            "hello\r\nBcc: eve@example.com",
            "hello\nBcc: eve@example.com",
            "hello\rBcc: eve@example.com",
            "hello\0",
            "hello\u{85}Bcc: eve@example.com",
            "",
        ] {
            assert!(mail("ann@example.com", subject).is_err(), "{subject:?}");
        }
        for to in [
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com\nRCPT TO:<eve@example.com>",
            "ann@example.com\0",
            "ann@example.com,eve@example.com",
            "ann@example.com;eve@example.com",
            "Ann <ann@example.com>",
            "<ann@example.com>",
            "ann@example.com eve@example.com",
            "\"a b\"@example.com",
            "ann@[127.0.0.1]",
            "ann",
            "@example.com",
            "",
        ] {
            assert!(mail(to, "hello").is_err(), "{to:?}");
        }
    }

    #[test]
    fn a_telephone_number_is_digits() {
        assert!(sms("+5511987654321", "123456").is_ok());
        for to in [
            "5511987654321",
            "+0511987654321",
            "+55 11 9",
            "+55119876543210000",
            "+",
            "",
        ] {
            assert!(sms(to, "123456").is_err(), "{to:?}");
        }
        assert!(sms("+5511987654321", "").is_err());
        assert!(sms("+5511987654321", &"x".repeat(1601)).is_err());
    }
}
