// Personal data: e-mail addresses, telephone and card numbers, and Korean identifiers, as people write them.
//
// Digits may be full-width; groups may be apart by a dash of any kind, a blank or nothing. Where the digits alone could
// be anything (thirteen without a dash, a passport's nine) a check digit or a word beside them decides.
#ifndef CODELORE_MASK_PERSONAL_DATA_H_
#define CODELORE_MASK_PERSONAL_DATA_H_

#include <string_view>
#include <vector>

#include "mask/masker.h"

namespace codelore::mask {

// Appends.
void FindPersonalData(std::string_view text, std::vector<Span>* spans);

// The check digits, on plain digits of the right number.
bool ResidentNumberChecks(std::string_view digits);  // 13; those issued since October 2020 have none
bool BusinessNumberChecks(std::string_view digits);  // 10
bool LuhnChecks(std::string_view digits);            // ISO/IEC 7812

}  // namespace codelore::mask

#endif  // CODELORE_MASK_PERSONAL_DATA_H_
