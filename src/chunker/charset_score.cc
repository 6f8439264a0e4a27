#include "chunker/charset_score.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace codelore::chunker {
namespace {

// The syllables and characters that make up most of written text, also of comments in code; order
// does not matter.
constexpr std::u16string_view kKorean =
    u"이다는을의에가고하지를한기도로사리서은자인들대나시어정수만것있그해보아일적과부라전구주여게성"
    u"스상장제원조없비관동공용면선생등연와"
    u"치신으경소문무미세위내계발화방학우후유회국년행식단물실재통할안때음마더명체차반또교당모합중말"
    u"현트려진거르드러력되작결처른불분양개역"
    u"타약필강최저파변설특래각별니심업간영본금민터히입산출남족길달감품습호코크표클함매값배열객목록"
    u"요청응답및된될됨않못같받같준새오류테값"
    u"예외읽쓰삭추검색변환암번호건버베블디론머메서버널송수집참조글습니까료델링독점검권환처리짜삽태"
    u"좌축팀큐페픽핵홈황휴희"
    u"션컬럼커밋토큰끝밖끊닫켜꺼빈첫몇왼쪽앞뒤밀첨탭폴팝플핸헤훅힙텍튜캐캡쿠쿼퀴킬톤툴룩룰룹롤랜램"
    u"락란렉렌넷넘넣낮높눌님덤덧둘딩땅뜻쉽싶씨";
constexpr std::u16string_view kKanji =
    u"日一人年大国会本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定"
    u"今回新場金員九入選立開手米力学問高代明"
    u"実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気"
    u"小七成期公持野協取都和統以機平総加山"
    u"思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名"
    u"交資予川向際査勝面委告軍文反元重近千"
    u"考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基"
    u"私各始島直両朝革価式確村提運終挙果西"
    u"勢減台広容必応演電歳住争談能無再位置企真流格有口過局少放税検藤町常校料沢裁状工建語球営空職証"
    u"土与急止送援供可役構木割聞身費付施切"
    u"由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算視条幹独警宮究育席"
    u"輸訪楽起万着乗店述残想線率病農州武声"
    u"質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義伝働形景落欧担好退準賞訴辺造英被株頭技"
    u"低毎医復仕去姿味負閣韓渡失移差衆個門"
    u"写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注呼"
    u"渉達";
constexpr std::u16string_view kHanzi =
    u"的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过"
    u"子说产种面而方后多定行学法所民得经十三"
    u"之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由"
    u"其些然前外天政四日那社义事平形相全表间"
    u"样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者"
    u"最立代想已通并提直题党程展五果料象员革"
    u"位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几"
    u"九区强放决西被干做必战先回则任取据处队"
    u"南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美"
    u"再采转更单风切打白教速花带安场身车例真"
    u"务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段"
    u"研界拉林律叫且究观越织装影算低持音众书"
    u"布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府"
    u"称太准精值号率族维划选标写存候毛亲快效"
    u"斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严首底液"
    u"官德随病苏失尔死讲配女黄推显谈罪神艺呢"
    u"席含企望密批营项防举球英氧势告李台落木帮轮破亚师围注远字材排供河态封另施减树溶怎止案言士均武"
    u"固叶鱼波视仅费紧爱左章早朝害续轻服试食"
    u"码函参数返回值错误输入输出类型对象接口配置文件请求响应测试代码注释";
constexpr std::u16string_view kHanja =
    u"的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過"
    u"子說產種面而方後多定行學法所民得經十三"
    u"之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由"
    u"其些然前外天政四日那社義事平形相全表間"
    u"樣與關各重新線內數正心反你明看原又麼利比或但質氣第向道命此變條只沒結解問意建月公無系軍很情者"
    u"最立代想已通並提直題黨程展五果料象員革"
    u"位入常文總次品式活設及管特件長求老頭基資邊流路級少圖山統接知較將組見計別她手角期根論運農指幾"
    u"九區強放決西被幹做必戰先回則任取據處隊"
    u"南給色光門即保治北造百規熱領七海口東導器壓志世金增爭濟階油思術極交受聯什認六共權收證改清己美"
    u"再採轉更單風切打白教速花帶安場身車例真"
    u"務具萬每目至達走積示議聲報鬥完類八離華名確才科張信馬節話整空元況今集溫傳土許步群廣石記需段研"
    u"界拉林律叫且究觀越織裝影算低持音眾書"
    u"檔案程式資料輸入輸出錯誤函數參數回傳測試註解";

// A set of characters of the basic plane.
class CharacterSet {
 public:
  explicit CharacterSet(std::u16string_view characters) : sorted_(characters) {
    std::sort(sorted_.begin(), sorted_.end());
  }
  bool Has(char16_t c) const { return std::binary_search(sorted_.begin(), sorted_.end(), c); }

 private:
  std::u16string sorted_;
};

bool IsFrequent(Script script, char16_t c) {
  static const CharacterSet korean(kKorean), kanji(kKanji), hanzi(kHanzi), hanja(kHanja);
  switch (script) {
    case Script::kKorean:
      return korean.Has(c);
    case Script::kJapanese:
      return kanji.Has(c);
    case Script::kSimplifiedChinese:
      return hanzi.Has(c);
    case Script::kTraditionalChinese:
      return hanja.Has(c);
    case Script::kCyrillic:
    case Script::kLatin:
      return false;
  }
  return false;
}

bool IsBetween(char16_t c, char16_t first, char16_t last) { return c >= first && c <= last; }
bool IsHigh(char c) { return (c & 0x80) != 0; }
bool IsAsciiLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) && !IsHigh(c); }

// One letter between ASCII letters is what Latin-1 looks like; runs of capitals and signs are
// another encoding.
double LatinWeight(char16_t c, char before, char after) {
  if (IsBetween(c, 0x80, 0x9F)) return -2;  // a control character
  bool alone = !IsHigh(before) && !IsHigh(after);
  bool is_letter = IsBetween(c, 0xC0, 0xFF) && c != 0xD7 && c != 0xF7;
  if (alone) return is_letter && (IsAsciiLetter(before) || IsAsciiLetter(after)) ? 0.7 : 0.35;
  bool lower_case = IsBetween(c, 0xDF, 0xFF) && c != 0xF7;
  return lower_case && (IsAsciiLetter(before) || IsAsciiLetter(after)) ? 0.3 : -0.5;
}

// Words of small letters, which may begin with a capital, apart from Latin ones.
double CyrillicWeight(char16_t c, char before, char after) {
  constexpr std::u16string_view kFrequent = u"оеаинтсрвлкмдпу";
  bool is_letter = IsBetween(c, 0x0410, 0x044F) || c == 0x0401 || c == 0x0451;
  if (!is_letter) return c < 0x2100 && IsBetween(c, 0xA0, 0x2044) ? 0 : -1;
  if (IsAsciiLetter(before) || IsAsciiLetter(after)) return -0.7;
  if (IsBetween(c, 0x0430, 0x044F)) return kFrequent.find(c) != std::u16string_view::npos ? 1 : 0.5;
  return IsHigh(before) ? -0.3 : 0.3;
}

}  // namespace

void CharsetScore::Add(char16_t character, std::string_view bytes, char before, char after) {
  if (character < 0x80) return;
  sum_ += Weight(character, bytes, before, after);
  ++count_;
}

double CharsetScore::Weight(char16_t c, std::string_view bytes, char before, char after) const {
  if (c == 0xFFFD) return -3;
  if (IsBetween(c, 0xE000, 0xF8FF)) return -2;  // private use
  if (script_ == Script::kLatin) return LatinWeight(c, before, after);
  if (script_ == Script::kCyrillic) return CyrillicWeight(c, before, after);
  bool is_korean = script_ == Script::kKorean;
  bool is_japanese = script_ == Script::kJapanese;
  if (IsBetween(c, 0xAC00, 0xD7A3)) {
    if (IsFrequent(Script::kKorean, c)) return 1;
    bool in_standard = bytes.size() == 2 && static_cast<uint8_t>(bytes[0]) >= 0xB0 &&
                       static_cast<uint8_t>(bytes[1]) >= 0xA1;
    return in_standard ? 0.45 : -0.6;
  }
  if (IsBetween(c, 0x3040, 0x309F)) return is_japanese ? 1 : 0;
  if (IsBetween(c, 0x30A0, 0x30FF)) return is_japanese ? 0.7 : 0;
  if (IsBetween(c, 0xFF61, 0xFF9F))
    return -0.5;  // half-width katakana: what any bytes look like in Shift-JIS
  if (IsBetween(c, 0x3000, 0x303F) || IsBetween(c, 0xFF00, 0xFF60)) return 0.4;
  if (IsBetween(c, 0x4E00, 0x9FFF)) {
    if (is_korean) return IsFrequent(Script::kTraditionalChinese, c) ? 0.1 : -0.2;
    return IsFrequent(script_, c) ? 1 : -0.15;
  }
  return 0;
}

}  // namespace codelore::chunker
