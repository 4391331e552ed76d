//! jarviscrawlercore, the translation service of the predecessors, over gRPC.
//!
//! Its method `translate` gives an empty text; `requestCrawler` with `CT_TRANSLATE2` is the way that
//! works. What a page says when it fails comes as a translation, so the checks of every translation
//! count here most of all.

use async_trait::async_trait;
use jarvis_proto::crawler::jarvis_crawler_service_client::JarvisCrawlerServiceClient;
use jarvis_proto::crawler::{
    CrawlerType, RequestCrawler, RequestTranslate2, reply_crawler, request_crawler,
};
use secrecy::{ExposeSecret, SecretString};
use tonic::Code;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use super::{Engine, EngineConfig, EngineError};
use crate::translate::tongue::Tongue;

/// Frames of one answer that are read; a translation is one.
const MOST_FRAMES: usize = 16;

#[derive(Debug)]
pub(super) struct Crawler {
    channel: Channel,
    token: Option<SecretString>,
    /// Which of its pages translates.
    page: String,
    timeout: std::time::Duration,
}

impl Crawler {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, String> {
        let address = config.address().to_owned();
        let is_tls = address.starts_with("https://");
        let wrong = |error: tonic::transport::Error| {
            format!("translation engine `{}`: `{address}`: {error}", config.name)
        };
        let mut endpoint = Endpoint::from_shared(address.clone())
            .map_err(wrong)?
            .connect_timeout(config.timeout)
            .timeout(config.timeout);
        if is_tls {
            let tls = ClientTlsConfig::new()
                .trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            endpoint = endpoint.tls_config(tls).map_err(wrong)?;
        }
        Ok(Self {
            channel: endpoint.connect_lazy(),
            token: config.key.clone(),
            page: config.model.clone().unwrap_or_else(|| "google".to_owned()),
            timeout: config.timeout,
        })
    }

    async fn one(&self, from: Tongue, to: Tongue, text: &str) -> Result<String, EngineError> {
        let request = RequestCrawler {
            token: self
                .token
                .as_ref()
                .map(|token| token.expose_secret().to_owned())
                .unwrap_or_default(),
            crawler_type: CrawlerType::CtTranslate2.into(),
            timeout: i32::try_from(self.timeout.as_secs()).unwrap_or(i32::MAX),
            crawler_param: Some(request_crawler::CrawlerParam::Translate2(
                RequestTranslate2 {
                    text: text.to_owned(),
                    platform: self.page.clone(),
                    src_lang: code(from).to_owned(),
                    dest_lang: code(to).to_owned(),
                },
            )),
        };
        let mut client = JarvisCrawlerServiceClient::new(self.channel.clone());
        let mut replies = client
            .request_crawler(request)
            .await
            .map_err(|status| fault(&status))?
            .into_inner();
        for _ in 0..MOST_FRAMES {
            let Some(frame) = replies.message().await.map_err(|status| fault(&status))? else {
                break;
            };
            match frame.error.as_str() {
                "" => {}
                "invalid token" => return Err(EngineError::Refused(frame.error)),
                _ => return Err(EngineError::Unreachable(frame.error)),
            }
            if let Some(reply_crawler::CrawlerResult::TranslateResult(result)) =
                frame.reply_crawler.and_then(|reply| reply.crawler_result)
            {
                return Ok(result.text);
            }
        }
        Err(EngineError::Nonsense("an end without a text".to_owned()))
    }
}

fn code(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::ZH => "zh-CN",
        Tongue::HANT => "zh-TW",
        other => other.code(),
    }
}

fn fault(status: &tonic::Status) -> EngineError {
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => {
            EngineError::Refused(status.message().to_owned())
        }
        Code::ResourceExhausted => EngineError::Busy(None),
        code => EngineError::Unreachable(code.description().to_owned()),
    }
}

#[async_trait]
impl Engine for Crawler {
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let work = async {
            let mut answers = Vec::with_capacity(texts.len());
            for text in texts {
                answers.push(self.one(from, to, text).await?);
            }
            Ok(answers)
        };
        // The time limit of the connection covers the first frame only.
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or_else(|_| Err(EngineError::Unreachable("no answer in time".to_owned())))
    }
}
