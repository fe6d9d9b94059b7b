//! A list of thousands of rows of which only those in sight are drawn. All rows have one height, given by the style
//! sheet (`--row-block-size`), so the place of each is reckoned and never measured.
use std::{ops::Range, sync::Arc};

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// Rows drawn above and below those in sight, so that a quick flick shows no gap.
const MARGIN_ROWS: usize = 10;
/// The row height of the style sheet, in root font sizes.
const ROW_REMS: f64 = 4.75;

fn row_px() -> f64 {
    let window = gloo::utils::window();
    let style = gloo::utils::document()
        .document_element()
        .and_then(|root| window.get_computed_style(&root).ok().flatten());
    let rem = style
        .and_then(|style| style.get_property_value("font-size").ok())
        .and_then(|size| Some(js_sys::parse_float(&size)).filter(|px| px.is_finite() && *px > 0.0));
    rem.unwrap_or(18.0) * ROW_REMS
}

/// The rows to draw.
fn window_of(count: usize, top_px: f64, height_px: f64, row_px: f64) -> Range<usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels are small and not negative here"
    )]
    let row_at = |px: f64| (px.max(0.0) / row_px) as usize;
    let first = row_at(top_px).saturating_sub(MARGIN_ROWS).min(count);
    let last = (row_at(top_px + height_px) + 1 + MARGIN_ROWS).min(count);
    first..last
}

/// The list. Arrow keys move the focus from row to row; rows are links, so Enter opens them.
#[component]
pub(crate) fn WindowList<T, K, V>(
    /// All rows.
    #[prop(into)]
    items: Signal<Arc<Vec<T>>>,
    /// What tells rows apart.
    key: fn(&T) -> K,
    /// Draws one row at its place in the list.
    row: impl Fn(usize, T) -> V + Clone + Send + Sync + 'static,
    /// How far it is scrolled; kept by the page, so that the way back leads to the same place.
    top_px: RwSignal<f64>,
    /// What the list is, for screen readers.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    K: Eq + std::hash::Hash + 'static,
    V: IntoView + 'static,
{
    let place: NodeRef<html::Div> = NodeRef::new();
    let height_px = RwSignal::new(800.0);
    let row_px = row_px();
    let count = Memo::new(move |_| items.with(|items| items.len()));
    let range = Memo::new(move |_| window_of(count.get(), top_px.get(), height_px.get(), row_px));

    Effect::new(move |_| {
        if let Some(place) = place.get() {
            height_px.set(f64::from(place.client_height()));
            #[expect(clippy::cast_possible_truncation, reason = "a scroll place fits")]
            place.set_scroll_top(top_px.get_untracked() as i32);
        }
    });
    let scrolled = move |_| {
        if let Some(place) = place.get_untracked() {
            height_px.set(f64::from(place.client_height()));
            top_px.set(f64::from(place.scroll_top()));
        }
    };
    let key_pressed = move |event: web_sys::KeyboardEvent| {
        let step: isize = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            _ => return,
        };
        let focused = gloo::utils::document().active_element().and_then(|row| row.get_attribute("data-at"));
        let Some(next) =
            focused.and_then(|at| at.parse::<usize>().ok()).and_then(|at| at.checked_add_signed(step))
        else {
            return;
        };
        event.prevent_default();
        if next < count.get_untracked() {
            focus_row(place, next, row_px);
        }
    };
    let slice = move || {
        let range = range.get();
        items.with(|items| {
            items
                .get(range.clone())
                .map(|rows| range.zip(rows.iter().cloned()).collect::<Vec<_>>())
                .unwrap_or_default()
        })
    };
    view! {
        <div class="people__window" role="group" tabindex="-1" aria-label=label node_ref=place on:scroll=scrolled on:keydown=key_pressed>
            <div style:block-size=move || whole_px(as_px(count.get(), row_px))></div>
            <div class="people__slice" style:transform=move || format!("translateY({})", whole_px(as_px(range.get().start, row_px)))>
                <For each=slice key=move |(at, item)| (*at, key(item)) children=move |(at, item)| row(at, item)/>
            </div>
        </div>
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
fn as_px(rows: usize, row_px: f64) -> f64 {
    rows as f64 * row_px
}

/// A length for the style; whole pixels, since printing fractions takes tables that every phone would load.
#[expect(clippy::cast_possible_truncation, reason = "a length of a list fits")]
fn whole_px(px: f64) -> String {
    format!("{}px", px.round() as i64)
}

/// Brings a row into sight and gives it the focus.
pub(crate) fn focus_row(place: NodeRef<html::Div>, at: usize, row_px: f64) {
    let Some(list) = place.get_untracked() else { return };
    let (top, bottom) = (as_px(at, row_px), as_px(at + 1, row_px));
    let (seen_top, seen_height) = (f64::from(list.scroll_top()), f64::from(list.client_height()));
    #[expect(clippy::cast_possible_truncation, reason = "a scroll place fits")]
    if top < seen_top {
        list.set_scroll_top(top as i32);
    } else if bottom > seen_top + seen_height {
        list.set_scroll_top((bottom - seen_height).ceil() as i32);
    }
    request_animation_frame(move || {
        let row = list.query_selector(&format!("[data-at=\"{at}\"]")).ok().flatten();
        if let Some(row) = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = row.focus();
        }
    });
}
