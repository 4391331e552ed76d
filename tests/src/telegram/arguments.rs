//! The arguments of one call, wherever the client put them: query, form, JSON or multipart.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::Value;

use super::error::ApiError;

/// Largest request the Bot API takes: a 50 MB file and its form.
pub(crate) const LARGEST_REQUEST: usize = 52 * 1024 * 1024;

/// One uploaded file of a multipart body.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Bytes,
}

/// A file argument.
#[derive(Clone, Debug)]
pub(crate) enum InputFile {
    /// Sent along, as a part named like the argument or by `attach://`.
    Uploaded(Part),
    /// Already on the server.
    Id(String),
}

/// Arguments by name. Values that are no text are kept as JSON text, as in a form.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    fields: BTreeMap<String, String>,
    parts: BTreeMap<String, Part>,
}

impl Arguments {
    /// Reads the query and the body of a request; the body wins.
    pub(crate) async fn read(request: Request) -> Result<Self, ApiError> {
        let mut arguments = Self::default();
        if let Some(query) = request.uri().query() {
            arguments.read_form(query.as_bytes());
        }
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            arguments.read_multipart(request).await?;
            return Ok(arguments);
        }
        let body = to_bytes(request.into_body(), LARGEST_REQUEST)
            .await
            .map_err(|_| ApiError::new(413, "Request Entity Too Large"))?;
        if kind.starts_with("application/json") {
            arguments.read_json(&body)?;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            arguments.read_form(&body);
        } else if !body.is_empty() {
            return Err(ApiError::bad("unsupported content type"));
        }
        Ok(arguments)
    }

    fn read_form(&mut self, form: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(form) {
            self.fields.insert(name.into_owned(), value.into_owned());
        }
    }

    fn read_json(&mut self, body: &[u8]) -> Result<(), ApiError> {
        if body.is_empty() {
            return Ok(());
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
            return Err(ApiError::bad("can't parse JSON object"));
        };
        for (name, value) in object {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            self.fields.insert(name, text);
        }
        Ok(())
    }

    async fn read_multipart(&mut self, request: Request) -> Result<(), ApiError> {
        let broken = |error: &dyn std::fmt::Display| ApiError::bad(format!("broken form: {error}"));
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|error| broken(&error))?;
        while let Some(field) = form.next_field().await.map_err(|error| {
            if error.status().as_u16() == 413 {
                ApiError::new(413, "Request Entity Too Large")
            } else {
                broken(&error)
            }
        })? {
            let Some(name) = field.name().map(ToOwned::to_owned) else {
                return Err(ApiError::bad("form part without a name"));
            };
            let file = field.file_name().map(ToOwned::to_owned);
            let mime = field.content_type().map(ToOwned::to_owned);
            let bytes = field.bytes().await.map_err(|error| {
                if error.status().as_u16() == 413 {
                    ApiError::new(413, "Request Entity Too Large")
                } else {
                    broken(&error)
                }
            })?;
            if let Some(file) = file {
                self.parts.insert(
                    name,
                    Part {
                        name: file,
                        mime: mime.unwrap_or_else(|| "application/octet-stream".to_owned()),
                        bytes,
                    },
                );
            } else {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::bad("strings must be encoded in UTF-8"))?;
                self.fields.insert(name, text);
            }
        }
        Ok(())
    }

    /// The argument as text; `None` when it was not given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The argument as a whole number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse()
                    .map_err(|_| ApiError::bad(format!("{name} must be an integer")))
            })
            .transpose()
    }

    /// The argument as a switch, off when absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(
            self.text(name).map(str::to_ascii_lowercase).as_deref(),
            Some("true" | "1" | "yes" | "y" | "on")
        )
    }

    /// The argument as JSON.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, ApiError> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .map(|text| {
                serde_json::from_str(text)
                    .map_err(|_| ApiError::bad(format!("can't parse {name} JSON object")))
            })
            .transpose()
    }

    /// The argument as a file.
    pub(crate) fn file(&self, name: &str) -> Result<InputFile, ApiError> {
        if let Some(part) = self.parts.get(name) {
            return Ok(InputFile::Uploaded(part.clone()));
        }
        let Some(text) = self.text(name).filter(|text| !text.is_empty()) else {
            return Err(ApiError::bad(format!("there is no {name} in the request")));
        };
        if let Some(part) = text.strip_prefix("attach://") {
            return self
                .parts
                .get(part)
                .cloned()
                .map(InputFile::Uploaded)
                .ok_or_else(|| {
                    ApiError::bad("invalid file HTTP URL specified: unsupported URL protocol")
                });
        }
        if text.contains("://") {
            return Err(ApiError::bad("failed to get HTTP URL content"));
        }
        Ok(InputFile::Id(text.to_owned()))
    }

    /// All texts, for the log of calls.
    pub(crate) fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }
}
