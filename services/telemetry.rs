//! Logs, traces and metrics.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use http::HeaderMap;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::TelemetryConfig;

/// Which spans are traced: ours, whatever the log shows.
const TRACED: &str = "off,gatepost=debug";

/// Traces that wait to be sent are sent when this is dropped.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // There is nobody left to tell that the collector is gone.
            let _ = traces.shutdown();
        }
    }
}

/// Begins to log, and to trace when there is a collector. Call it once a process.
///
/// # Errors
/// A log directive or an endpoint that cannot be used.
pub fn start(config: &TelemetryConfig) -> Result<Telemetry> {
    let filter: EnvFilter = config
        .log
        .parse()
        .with_context(|| format!("setting `GATEPOST_LOG`: `{}`", config.log))?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if config.json {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        lines.with_target(false).with_filter(filter).boxed()
    };
    let traces = match &config.otlp_endpoint {
        Some(endpoint) => Some(provider(endpoint.as_str())?),
        None => None,
    };
    let spans = traces.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("gatepost"))
            .with_filter(EnvFilter::new(TRACED))
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(spans)
        .try_init()
        .context("the log was begun twice")?;
    Ok(Telemetry { traces })
}

fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()
        .context("setting `GATEPOST_OTLP_ENDPOINT`")?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("gatepost").build())
        .build())
}

/// Makes a span a part of the caller's trace (W3C Trace Context).
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if !span.is_disabled() && headers.contains_key("traceparent") {
        let parent =
            global::get_text_map_propagator(|propagator| propagator.extract(&Carrier(headers)));
        // A span without a tracing layer has no trace to continue.
        let _ = span.set_parent(parent);
    }
}

struct Carrier<'a>(&'a HeaderMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Begins to count. Call it once a process.
///
/// # Errors
/// When it was called before.
pub fn count() -> Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .install_recorder()
        .context("the counters were begun twice")
}
