//! Made-up people and visits of realistic size: the same seed makes the same ones.

use zoufang_core::record::{Date, DocId, Entries, UserId};

const FAMILY: &[char] =
    &['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴', '徐', '孙', '高', '单', '盖'];
const GIVEN: &[char] = &[
    '伟', '强', '国', '军', '志', '海', '凤', '春', '明', '文', '德', '宝', '玉', '桂', '兰', '永', '福',
    '林',
];
const PIECES: &[&str] = &[
    "身体还好，血压有点高，药按时吃。",
    "屋顶漏雨，想问修缮补助怎么申请。",
    "儿子在沈阳打工，过年回来。",
    "讲了医保报销的办法，留下了单子。",
    "优待证已经领到，会用。",
    "腿脚不便，去镇里看病需要人陪。",
    "地里的排水沟和邻居有争议，想请村里调解。",
    "盼着冬天通暖气。",
    "想参加村里的活动，下次通知他。",
    "带去米面各一袋。",
];

/// Numbers that look like chance.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound.max(1) as u64).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A person's file.
pub fn person(dice: &mut Dice) -> Entries {
    let mut entries = Entries::default();
    let name: String = [dice.pick(FAMILY), dice.pick(GIVEN), dice.pick(GIVEN)].into_iter().collect();
    entries.put_text("name", Some(name));
    entries.put_text("kind", Some("veteran"));
    entries.put_text("sex", Some("male"));
    entries.put_text(
        "birth",
        Some(format!("{}-{:02}-{:02}", 1940 + dice.below(60), 1 + dice.below(12), 1 + dice.below(28))),
    );
    entries.put_text("phone/01A.number", Some(format!("154{:08}", dice.below(100_000_000))));
    entries.put_text("phone/01A.owner", Some("self"));
    entries.put_text("address", Some(format!("{}组{}号", 1 + dice.below(12), 1 + dice.below(90))));
    entries.put_text("residence", Some("home"));
    entries
}

/// A visit to a person.
pub fn visit(dice: &mut Dice, person: DocId, by: UserId) -> Entries {
    let mut entries = Entries::default();
    entries.put_flag(&format!("person/{person}"), true);
    entries.put_flag(&format!("visitor/{}", by.0), true);
    let day = Date::in_china(crate::device::now()).plus_days(-i32::try_from(dice.below(50)).unwrap_or(0));
    entries.put_text("happened_on", Some(day));
    entries.put_text("channel", Some(dice.pick(&["home", "phone", "station"])));
    entries.put_text("result", Some(dice.pick(&["met", "met_family", "not_in"])));
    entries.put_flag(&format!("reason/{}", dice.pick(&["routine", "festival", "hardship"])), true);
    if dice.below(3) == 0 {
        entries.put_flag(&format!("need/{}", dice.pick(&["medical", "housing", "legal"])), true);
    }
    let count = 1 + dice.below(3);
    let facts: String = (0..count).map(|_| dice.pick(PIECES)).collect();
    entries.put_text("facts", Some(format!("{facts}第{}次。", dice.below(1000))));
    entries
}
