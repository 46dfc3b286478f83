#include "xlayers/framework/base/error_text.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"

namespace xl {
namespace {

TEST(ErrorText, ShortensLongTextsBetweenCharacters) {
  EXPECT_EQ(shortened("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(shortened("abcdefghi", 8), "abcde...");
  EXPECT_EQ(shortened(std::string(101, 'x')), std::string(97, 'x') + "...");
  // An o with two dots is two bytes, a Euro sign three: neither is cut.
  EXPECT_EQ(shortened("abcd\xc3\xb6"
                      "efgh",
                      8),
            "abcd...");
  EXPECT_EQ(shortened("abc\xc3\xb6"
                      "efgh",
                      8),
            "abc\xc3\xb6...");
  EXPECT_EQ(shortened("abc\xe2\x82\xac"
                      "fgh",
                      8),
            "abc...");
  EXPECT_EQ(shortened("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 5), "...");
}

TEST(ErrorText, NamesAndLists) {
  EXPECT_EQ(error_label("Dense", "a"), "[Dense 'a'] ");
  EXPECT_EQ(error_label("Dense", ""), "[Dense] ");
  EXPECT_EQ(joined(std::vector<std::string>{"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(joined(std::vector<int>{1, 2}, [](int i) { return std::to_string(i); }), "1, 2");
  EXPECT_EQ(joined(std::vector<std::string>{}), "");
  check_known("[A] ", "mode", "x", {"x", "y"});
  EXPECT_EQ(testing_golden::error_of<ValueError>([] {
              check_known("[A] ", "mode", "z", {"x", "y"});
            }),
            "[A] unknown mode 'z'; known are x, y");
}

}  // namespace
}  // namespace xl
