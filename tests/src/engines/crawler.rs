//! jarviscrawlercore, as far as it translates.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, stream};
use jarvis_proto::crawler::jarvis_crawler_service_server::{
    JarvisCrawlerService, JarvisCrawlerServiceServer,
};
use jarvis_proto::crawler::{
    CrawlerType, ReplyCrawler, ReplyCrawlerStream, RequestCrawler, TranslateResult, reply_crawler,
    request_crawler,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::{Call, KEY, Shared, Turn};

struct Service(Arc<Shared>);

type Replies = Pin<Box<dyn Stream<Item = Result<ReplyCrawlerStream, Status>> + Send>>;

pub(super) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let incoming = TcpListenerStream::new(listener);
    let serving = tonic::transport::Server::builder()
        .serve_with_incoming(JarvisCrawlerServiceServer::new(Service(shared)), incoming);
    if let Err(error) = serving.await {
        eprintln!("the fake crawler ended: {error}");
    }
}

fn error(text: &str) -> ReplyCrawlerStream {
    ReplyCrawlerStream {
        error: text.to_owned(),
        ..ReplyCrawlerStream::default()
    }
}

#[async_trait::async_trait]
impl JarvisCrawlerService for Service {
    type requestCrawlerStream = Replies;

    async fn request_crawler(
        &self,
        request: Request<RequestCrawler>,
    ) -> Result<Response<Replies>, Status> {
        let request = request.into_inner();
        let reply = |reply: ReplyCrawlerStream| -> Replies { Box::pin(stream::iter([Ok(reply)])) };
        if request.token != KEY {
            return Ok(Response::new(reply(error("invalid token"))));
        }
        let Some(request_crawler::CrawlerParam::Translate2(wanted)) = request.crawler_param else {
            return Ok(Response::new(reply(error("invalid crawler type"))));
        };
        let short = |code: &str| if code == "zh-CN" { "zh" } else { "en" }.to_owned();
        if wanted.platform != "google" || request.timeout <= 0 {
            return Ok(Response::new(reply(error("invalid param"))));
        }
        let call = Call {
            service: "crawler",
            from: short(&wanted.src_lang),
            to: short(&wanted.dest_lang),
            texts: vec![wanted.text],
        };
        let text = match self.0.turn(call).await {
            Turn::Dead => return Err(Status::unavailable("closing")),
            // What a page says when it fails comes as a translation.
            Turn::Wrong(_) => "TimeoutError: waiting for selector".to_owned(),
            Turn::Answer(texts) => texts.concat(),
        };
        let result = ReplyCrawler {
            crawler_type: CrawlerType::CtTranslate2.into(),
            crawler_result: Some(reply_crawler::CrawlerResult::TranslateResult(
                TranslateResult { text },
            )),
        };
        Ok(Response::new(reply(ReplyCrawlerStream {
            reply_crawler: Some(result),
            ..ReplyCrawlerStream::default()
        })))
    }
}
