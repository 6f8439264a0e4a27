#include "acl/principal.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "codelore/utf8.h"

namespace codelore::acl {
namespace {

struct Range {
  char32_t first, last;
};

// Characters that show nothing, or move what others show: Unicode 15, general categories Cc, Cf, Zs, Zl, Zp and
// Co, the property Default_Ignorable_Code_Point, noncharacters in the BMP, and two that are drawn blank (Braille
// blank, object replacement). U+0020 is treated apart.
constexpr Range kUnseen[] = {
    {0x0000, 0x001F},     {0x007F, 0x00A0},     {0x00AD, 0x00AD},     {0x034F, 0x034F},
    {0x0600, 0x0605},     {0x061C, 0x061C},     {0x06DD, 0x06DD},     {0x070F, 0x070F},
    {0x0890, 0x0891},     {0x08E2, 0x08E2},     {0x115F, 0x1160},     {0x1680, 0x1680},
    {0x17B4, 0x17B5},     {0x180B, 0x180F},     {0x2000, 0x200F},     {0x2028, 0x202F},
    {0x205F, 0x206F},     {0x2800, 0x2800},     {0x3000, 0x3000},     {0x3164, 0x3164},
    {0xE000, 0xF8FF},     {0xFDD0, 0xFDEF},     {0xFE00, 0xFE0F},     {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},     {0xFFF0, 0xFFFC},     {0xFFFE, 0xFFFF},     {0x110BD, 0x110BD},
    {0x110CD, 0x110CD},   {0x13430, 0x1343F},   {0x1BCA0, 0x1BCA3},   {0x1D173, 0x1D17A},
    {0xE0000, 0x10FFFF},
};

bool IsUnseen(char32_t c) {
  auto after = std::ranges::upper_bound(kUnseen, c, {}, &Range::first);
  return after != std::begin(kUnseen) && c <= std::prev(after)->last;
}

// The code point of a well-formed sequence of `length` bytes.
char32_t Decode(std::string_view text, size_t length) {
  auto lead = static_cast<uint8_t>(text[0]);
  char32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
  return c;
}

}  // namespace

Status ValidateName(std::string_view what, std::string_view name) {
  auto refuse = [&](const char* why) { return InvalidArgument(std::string(what) + " name: " + why); };
  if (name.empty()) return refuse("it is empty");
  if (name.size() > kMaxNameBytes) return refuse("longer than 128 bytes");
  if (name.front() == ' ' || name.back() == ' ') return refuse("it starts or ends with a space");
  for (std::string_view rest = name; !rest.empty();) {
    size_t length = Utf8SequenceLength(rest);
    if (length == 0) return refuse("not valid UTF-8");
    if (IsUnseen(Decode(rest, length))) return refuse("it holds a control or invisible character");
    rest.remove_prefix(length);
  }
  return OkStatus();
}

Status ValidatePrincipal(std::string_view principal) {
  if (principal == kEveryone) return OkStatus();
  if (principal.starts_with("user:")) return ValidateName("user", principal.substr(5));
  if (principal.starts_with("team:")) return ValidateName("team", principal.substr(5));
  return InvalidArgument("a principal is \"user:NAME\", \"team:NAME\" or \"everyone\"");
}

}  // namespace codelore::acl
