//! Days, days of which a part is unknown, and moments.
//!
//! A day is what a person typed and is never converted between time zones; a moment is milliseconds since 1970 of a
//! clock that may be wrong.
use std::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

/// A text that is not a date we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid date")]
pub struct InvalidDate;

/// A calendar day, `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(time::Date);

impl Date {
    /// A day of the proleptic Gregorian calendar, between the years 1800 and 2200.
    #[must_use]
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Option<Self> {
        let month = time::Month::try_from(month).ok()?;
        (1800..=2200)
            .contains(&year)
            .then(|| time::Date::from_calendar_date(year, month, day).ok().map(Self))?
    }

    /// Year, month (1-12) and day (1-31).
    #[must_use]
    pub fn ymd(self) -> (i32, u8, u8) {
        (self.0.year(), self.0.month() as u8, self.0.day())
    }

    /// The day in China (UTC+8, no summer time since 1992) at a moment.
    #[must_use]
    pub fn in_china(at: Timestamp) -> Self {
        let days = (at.0 + 8 * 3_600_000).div_euclid(86_400_000);
        let julian = i32::try_from(days.clamp(-60_000, 80_000)).unwrap_or(0) + 2_440_588;
        Self(time::Date::from_julian_day(julian).unwrap_or(time::Date::MIN))
    }

    /// Whole days from `earlier` to this day; negative if this day is before it.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.to_julian_day() - earlier.0.to_julian_day()
    }

    /// The day `days` later (earlier if negative), or the last one we can say.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        time::Date::from_julian_day(self.0.to_julian_day().saturating_add(days)).map_or(self, Self)
    }

    /// Monday is 0.
    #[must_use]
    pub fn weekday(self) -> u8 {
        self.0.weekday().number_days_from_monday()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = InvalidDate;
    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        match text.parse::<PartialDate>()? {
            PartialDate::Day(date) => Ok(date),
            PartialDate::Year(_) | PartialDate::Month(..) => Err(InvalidDate),
        }
    }
}

/// A date of which ledgers may lack the day or the month: what is known is kept, nothing is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartialDate {
    /// `YYYY`
    Year(i32),
    /// `YYYY-MM`
    Month(i32, u8),
    /// `YYYY-MM-DD`
    Day(Date),
}

impl PartialDate {
    /// The year, which is always known.
    #[must_use]
    pub fn year(self) -> i32 {
        match self {
            Self::Year(year) | Self::Month(year, _) => year,
            Self::Day(date) => date.ymd().0,
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "{year:04}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Day(date) => date.fmt(f),
        }
    }
}

impl FromStr for PartialDate {
    type Err = InvalidDate;
    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let number = |part: &str, len: usize| -> Result<i32, InvalidDate> {
            let digits = part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().map_err(|_| InvalidDate) } else { Err(InvalidDate) }
        };
        let small = |part: &str| number(part, 2).and_then(|n| u8::try_from(n).map_err(|_| InvalidDate));
        let mut parts = text.split('-');
        let year = number(parts.next().unwrap_or_default(), 4)?;
        if !(1800..=2200).contains(&year) {
            return Err(InvalidDate);
        }
        let found = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => Self::Year(year),
            (Some(month), None, None) => {
                let month = small(month)?;
                if !(1..=12).contains(&month) {
                    return Err(InvalidDate);
                }
                Self::Month(year, month)
            }
            (Some(month), Some(day), None) => {
                Self::Day(Date::from_ymd(year, small(month)?, small(day)?).ok_or(InvalidDate)?)
            }
            _ => return Err(InvalidDate),
        };
        Ok(found)
    }
}

macro_rules! text_codec {
    ($name:ident) => {
        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.to_string())?.ok()
            }
        }
        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.str()?.parse().map_err(|_| minicbor::decode::Error::message("not a valid date"))
            }
        }
    };
}
text_codec!(Date);
text_codec!(PartialDate);

/// Milliseconds since 1970-01-01T00:00Z, of a clock that may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_date_is_kept() {
        for text in ["1954", "1954-10", "1954-10-31", "2024-02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for text in
            ["", "195", "1954-13", "2023-02-29", "1954-10-31-1", "1954-1-1", "+954", "1700", "１９５４"]
        {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_in_china_starts_eight_hours_before_utc() {
        // 2026-11-23T16:00Z is midnight of the 24th in China.
        assert_eq!(Date::in_china(Timestamp(1_795_449_600_000)).to_string(), "2026-11-24");
        assert_eq!(Date::in_china(Timestamp(1_795_449_599_999)).to_string(), "2026-11-23");
        assert_eq!(Date::in_china(Timestamp(0)).to_string(), "1970-01-01");
    }
}
