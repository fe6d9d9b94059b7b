//! A QR code as the browser draws it: squares of an image that another phone's camera reads.
use std::fmt::Write as _;

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

use crate::i18n::Text;

/// Readers want so many light squares around it.
const QUIET: usize = 4;

/// The code of a text; nothing if it is too long for one.
#[component]
pub(crate) fn Qr(
    /// What is read.
    text: String,
    /// What the image is, for whoever does not see it.
    alt: Text,
) -> impl IntoView {
    QrCode::with_error_correction_level(text, EcLevel::M).ok().map(|code| {
        let (width, side) = (code.width(), code.width() + 2 * QUIET);
        let mut path = String::new();
        for (at, _) in code.to_colors().iter().enumerate().filter(|(_, colour)| **colour == Color::Dark) {
            let _ = write!(path, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
        }
        view! {
            <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=alt shape-rendering="crispEdges">
                <path class="qr__light" d=format!("M0 0h{side}v{side}h-{side}z")/>
                <path class="qr__dark" d=path/>
            </svg>
        }
    })
}
