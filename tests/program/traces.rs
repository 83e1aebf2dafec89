//! Traces, as a collector gets them.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use rustix::process::Signal;
use serde_json::json;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::process::Home;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const PARENT: u64 = 0x00f0_67aa_0ba9_02b7;

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    fn spans(&self) -> Vec<Span> {
        let requests = self.requests.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_go_to_the_collector_and_continue_the_callers() {
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let service = TraceServiceServer::new(collector.clone());
    let sink = tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(sink);

    let home = Home::empty();
    let mut server = home.serve(&[("GATEPOST_OTLP_ENDPOINT", &endpoint)]);
    let admin = server.rest.token("admin").await;
    let request = server
        .rest
        .request(&admin, "POST", "/v1/groups")
        .header("traceparent", format!("00-{TRACE:032x}-{PARENT:016x}-01"))
        .json(&json!({"name": "traced"}));
    assert_eq!(server.rest.send(request).await.unwrap().status, 201);
    // What waits to be sent is sent before the end.
    server.signal(Signal::TERM);
    server.wait(std::time::Duration::from_secs(15));

    let spans = collector.spans();
    let ours: Vec<&Span> = spans
        .iter()
        .filter(|span| span.trace_id == TRACE.to_be_bytes())
        .collect();
    let root = ours
        .iter()
        .find(|span| span.parent_span_id == PARENT.to_be_bytes());
    let root = root.unwrap_or_else(|| panic!("nothing continues the trace: {spans:?}"));
    assert_eq!(root.name, "request");
    let rpc = ours.iter().find(|span| span.parent_span_id == root.span_id);
    assert_eq!(rpc.map(|span| span.name.as_str()), Some("rpc"), "{ours:?}");
    let others = spans
        .iter()
        .filter(|span| span.trace_id != TRACE.to_be_bytes());
    assert!(others.count() > 0, "a call without a trace begins one");
    let text = format!("{spans:?}");
    assert!(!text.contains(&admin) && !text.contains(crate::rest::PASSWORD));
}
