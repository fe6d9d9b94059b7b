//! Value lists: codes with their Chinese and English words, generated from `data/value_lists.json`.

/// What every value list can do; forms and filters are written against it.
pub trait ValueList: Copy + Eq + 'static {
    /// The list's key in `value_lists.json`.
    const LIST: &'static str;
    /// All values, in the order of the list.
    const ALL: &'static [Self];
    /// The stored code.
    fn code(self) -> &'static str;
    /// The Chinese words.
    fn zh(self) -> &'static str;
    /// The English words.
    fn en(self) -> &'static str;
    /// The value of a code, if the list has it.
    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.code() == code)
    }
}

/// A code that is not in the list it was read for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown code in value list {list}")]
pub struct UnknownCode {
    /// The list's key.
    pub list: &'static str,
}

macro_rules! value_list {
    ($name:ident, $list:literal, [$(($variant:ident, $code:literal, $zh:literal, $en:literal)),* $(,)?]) => {
        impl ValueList for $name {
            const LIST: &'static str = $list;
            const ALL: &'static [Self] = &[$(Self::$variant),*];
            fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }
            fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh),* }
            }
            fn en(self) -> &'static str {
                match self { $(Self::$variant => $en),* }
            }
        }
        impl std::str::FromStr for $name {
            type Err = UnknownCode;
            fn from_str(code: &str) -> Result<Self, UnknownCode> {
                Self::of_code(code).ok_or(UnknownCode { list: $list })
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(&self, e: &mut minicbor::Encoder<W>, _: &mut C) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.code())?.ok()
            }
        }
        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::of_code(d.str()?).ok_or_else(|| minicbor::decode::Error::message(concat!("unknown code in ", $list)))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.code())
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let code = std::borrow::Cow::<str>::deserialize(d)?;
                Self::of_code(&code).ok_or_else(|| serde::de::Error::custom(concat!("unknown code in ", $list)))
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/value_lists.rs"));

/// Sex as the ID number tells it and as ledgers write it. Source: GB/T 2261.1-2003.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
}
value_list! { Sex, "sex", [(Male, "male", "男", "male"), (Female, "female", "女", "female")] }

/// How far the national preference card (优待证) of a person is. Source: 优待证管理办法（试行） of 2021-11-15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PreferenceCard {
    /// 未申请
    NotApplied,
    /// 已申请
    Applied,
    /// 已领取
    Issued,
}
value_list! { PreferenceCard, "preference_card", [
    (NotApplied, "not_applied", "未申请", "not asked for yet"),
    (Applied, "applied", "已申请", "asked for"),
    (Issued, "issued", "已领取", "received"),
] }

/// How far the "光荣之家" plaque of a household is. Source: 国办发〔2018〕72号.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GloryPlaque {
    /// 待悬挂
    ToHang,
    /// 已悬挂
    Hung,
    /// 待更换
    ToReplace,
    /// 本人不挂
    Declined,
}
value_list! { GloryPlaque, "glory_plaque", [
    (ToHang, "to_hang", "待悬挂", "to be hung"),
    (Hung, "hung", "已悬挂", "hung"),
    (ToReplace, "to_replace", "待更换", "to be replaced"),
    (Declined, "declined", "本人不挂", "not wanted"),
] }

/// What a survivor or a family member is to the soldier. Source: 军人抚恤优待条例 (2024), whom it calls family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// 父母
    Parent,
    /// 配偶
    Spouse,
    /// 子女
    Child,
    /// 兄弟姐妹
    Sibling,
    /// 其他
    Other,
}
value_list! { Relation, "relation_to_soldier", [
    (Parent, "parent", "父母", "parent"),
    (Spouse, "spouse", "配偶", "spouse"),
    (Child, "child", "子女", "child"),
    (Sibling, "sibling", "兄弟姐妹", "brother or sister"),
    (Other, "other", "其他", "other"),
] }
