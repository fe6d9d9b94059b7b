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

/// Letters for the part of a text that is like no other, so that compression is not flattered.
const LETTERS: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严龙飞";

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
    let letters: Vec<char> = LETTERS.chars().collect();
    let own: String = (0..20 + dice.below(30)).map(|_| dice.pick(&letters)).collect();
    entries.put_text("facts", Some(format!("{facts}{own}。")));
    entries
}
