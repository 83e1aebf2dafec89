//! How long a call may take.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::answer::Answer;
use super::conversation::{Answering, failed};

/// The longest that any call may take.
const CALL_MAX: Duration = Duration::from_secs(35);

/// What a call's head says of its time.
#[derive(Clone, Copy)]
pub struct Limit {
    time: Duration,
    is_grpc: bool,
}

impl Limit {
    /// What the caller of gRPC gives it, if that is less than the most. On any other face the
    /// header means nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        let is_grpc = is_grpc(headers);
        let asked = headers.get("grpc-timeout").filter(|_| is_grpc);
        let asked = asked.and_then(|value| timeout(value.to_str().ok()?));
        Self {
            time: asked.map_or(CALL_MAX, |asked| asked.min(CALL_MAX)),
            is_grpc,
        }
    }

    /// The call, which ends by then.
    pub fn keep(self, call: Answering) -> Deadline {
        Deadline {
            call,
            limit: self,
            sleep: None,
        }
    }
}

/// A call that has so much time.
pub struct Deadline {
    call: Answering,
    limit: Limit,
    /// Begins when the call has to wait: most never do.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Future for Deadline {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(response) = self.call.as_mut().poll(cx) {
            return Poll::Ready(Ok(response));
        }
        let Limit { time, is_grpc } = self.limit;
        let late = self.sleep.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Ok(if is_grpc {
            Status::cancelled("Timeout expired").into_http()
        } else {
            failed(StatusCode::SERVICE_UNAVAILABLE)
        }))
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// A time as gRPC writes it: up to eight digits and a unit (gRPC over HTTP/2, “Timeout”).
fn timeout(text: &str) -> Option<Duration> {
    const DIGITS_MAX: usize = 8;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_time_that_its_caller_gives() {
        let within = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(Limit::of(&headers).time, CALL_MAX, "over REST");
            headers.insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
            Limit::of(&headers).time
        };
        assert_eq!(within("100m"), Duration::from_millis(100));
        assert_eq!(within("2S"), Duration::from_secs(2));
        assert_eq!(within("50000u"), Duration::from_millis(50));
        assert_eq!(within("99999999n"), Duration::from_nanos(99_999_999));
        for more_or_nonsense in [
            "1H",
            "1M",
            "99999999H",
            "123456789m",
            "1",
            "m",
            "",
            "-1S",
            "1x",
        ] {
            assert_eq!(within(more_or_nonsense), CALL_MAX, "{more_or_nonsense}");
        }
        assert_eq!(Limit::of(&HeaderMap::new()).time, CALL_MAX);
    }
}
