#include "xlayers/models/data/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "xlayers/framework/base/errors.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Csv : public testing::Test {
 protected:
  // One file a test: tests may run side by side.
  const std::string path_ =
      testing::TempDir() + "xlayers_csv_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";

  void TearDown() override { std::filesystem::remove(path_); }

  xl::Table read(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return xl::read_csv(path_);
  }

  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const xl::SerializationError& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(Csv, ReadsNumbersAndDates) {
  const xl::Table table = read("date,a,b\n2016-07-01 13:45:59,1.5,-2\n2017-02-28 00:00:00, 3 ,+4e-1\n");
  EXPECT_THAT(table.names, ElementsAre("a", "b"));
  ASSERT_EQ(xl::shape(table.values), (xl::Shape{2, 2}));
  EXPECT_THAT(table.values, ElementsAre(1.5f, -2.0f, 3.0f, 0.4f));
  EXPECT_EQ(table.rows(), 2U);
  ASSERT_EQ(table.dates.size(), 2U);
  EXPECT_EQ(table.dates[0], (xl::Date{2016, 7, 1, 13, 45, 59}));
  EXPECT_EQ(table.dates[1], (xl::Date{2017, 2, 28, 0, 0, 0}));
  EXPECT_THAT(table.column("b"), ElementsAre(-2.0f, 0.4f));
  EXPECT_EQ(xl::shape(table.column("a")), (xl::Shape{2}));
}

TEST_F(Csv, TakesEveryFormOfDateInAnyColumn) {
  const xl::Table table = read("a,when\n1,2024-02-29\n2,2024-03-01 07:30\n3,2024-03-01T07:30:01\n");
  EXPECT_THAT(table.names, ElementsAre("a"));
  EXPECT_THAT(table.dates,
              ElementsAre(xl::Date{2024, 2, 29}, xl::Date{2024, 3, 1, 7, 30, 0}, xl::Date{2024, 3, 1, 7, 30, 1}));
}

TEST_F(Csv, KnowsTheDayOfTheWeek) {
  EXPECT_EQ((xl::Date{2024, 1, 1}.weekday()), 0);    // a Monday
  EXPECT_EQ((xl::Date{2016, 7, 1}.weekday()), 4);    // a Friday
  EXPECT_EQ((xl::Date{2000, 2, 29}.weekday()), 1);   // a Tuesday
  EXPECT_EQ((xl::Date{1969, 12, 28}.weekday()), 6);  // a Sunday
}

TEST_F(Csv, NeedsNoDate) {
  const xl::Table table = read("a\n1\n2\n");
  EXPECT_TRUE(table.dates.empty());
  EXPECT_THAT(table.column("a"), ElementsAre(1.0f, 2.0f));
}

TEST_F(Csv, TakesWindowsLineEndsAByteOrderMarkAndNoLastLineEnd) {
  const xl::Table table = read(
      "\xEF\xBB\xBF"
      "a,b\r\n1,2\r\n3,4");
  EXPECT_THAT(table.names, ElementsAre("a", "b"));
  EXPECT_THAT(table.values, ElementsAre(1.0f, 2.0f, 3.0f, 4.0f));
  EXPECT_EQ(read("a,b\r\n1,2\r\n\r\n\n").rows(), 1U);
}

TEST_F(Csv, TakesQuotedCells) {
  const xl::Table table = read("\"load, high\",\"say \"\"x\"\"\",\"two\nlines\"\r\n\"1\",2,\"3\"\r\n");
  EXPECT_THAT(table.names, ElementsAre("load, high", "say \"x\"", "two\nlines"));
  EXPECT_THAT(table.values, ElementsAre(1.0f, 2.0f, 3.0f));
  EXPECT_THAT(error_of("\"two\nlines\"\n1\nx\n"), HasSubstr(":4: "));  // lines are the file's
}

TEST_F(Csv, TakesNanAndInf) {
  const xl::Table table = read("a,b\nnan,-inf\n");
  EXPECT_TRUE(std::isnan(table.values(0, 0)));
  EXPECT_EQ(table.values(0, 1), -INFINITY);
}

TEST_F(Csv, DoesNotDependOnTheLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) std::setlocale(LC_ALL, name);
  EXPECT_THAT(read("a\n1.5\n").values, ElementsAre(1.5f));
  EXPECT_THAT(error_of("a\n\"1,5\"\n"), HasSubstr("expected a number"));
  std::setlocale(LC_ALL, before.c_str());
}

TEST_F(Csv, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr(path_ + ": the file is empty"));
  EXPECT_THAT(error_of("\n\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(error_of("\xEF\xBB\xBF"), HasSubstr("the file is empty"));  // a byte order mark alone
  EXPECT_THAT(error_of("\xEF\xBB"), Not(HasSubstr("the file is empty")));
  EXPECT_THAT(error_of("a,b\n"), HasSubstr(path_ + ":1: there is no row after the header"));
  EXPECT_THAT(error_of("a,b\n1,2\n3\n"), HasSubstr(path_ + ":3: expected 2 cells as in the header, got 1"));
  EXPECT_THAT(error_of("a,b\n1,2,3\n"), HasSubstr(":2: expected 2 cells as in the header, got 3"));
  EXPECT_THAT(error_of("a,b\n1,2\n\n3,4\n"), HasSubstr(":3: expected 2 cells as in the header, got 1"));
  EXPECT_THAT(error_of("a,b\n1,x\n"),
              HasSubstr(":2: column \"b\": expected a number in the range of a float, got \"x\""));
  EXPECT_THAT(error_of("a,b\n1,2\n,2\n"),
              HasSubstr(":3: column \"a\": expected a number in the range of a float, got \"\""));
  EXPECT_THAT(error_of("a,b\n1,2\n1e99,2\n"), HasSubstr("got \"1e99\""));
  EXPECT_THAT(error_of("a,b\n1,2x\n"), HasSubstr("got \"2x\""));
  EXPECT_THAT(error_of("a,b\n1,+-2\n"), HasSubstr("got \"+-2\""));
  EXPECT_THAT(error_of("a,b,a\n1,2,3\n"), HasSubstr(":1: the column name \"a\" occurs twice"));
  EXPECT_THAT(error_of("a\n\"1\"2\n"), HasSubstr(":2: a quoted cell goes on after its closing quote"));
  EXPECT_THAT(error_of("a\n\"1\n"), HasSubstr(":2: a quoted cell is not closed"));
  EXPECT_THAT(error_of("date\n2020-01-01\n"), HasSubstr("there is no column of numbers"));
}

TEST_F(Csv, RefusesDatesThatDoNotExist) {
  for (const char* date :
       {"2020-13-01", "2020-00-01", "2021-02-29", "2020-02-30", "2020-04-31", "2020-01-00", "2020-01-01 24:00",
        "2020-01-01 23:60", "2020-01-01 23:59:60", "2020-01-01 ", "2020-01-01 1:00", "2020-01-01 01:00:0",
        "2020-01-01 01:00:00Z", "2020-01-01x01:00", "2020-01-01 01-00", "2020-01-01 01:00-00"}) {
    EXPECT_THAT(error_of("when,a\n" + std::string(date) + ",1\n"),
                HasSubstr(":2: column \"when\": expected a date that exists, as YYYY-MM-DD[ HH:MM[:SS]], got \"" +
                          std::string(date) + "\""));
  }
  EXPECT_THAT(error_of("when,a\n2020-01-01,1\n,1\n"), HasSubstr(":3: column \"when\": expected a date"));
}

TEST_F(Csv, SaysWhichFileCannotBeRead) {
  EXPECT_THROW(xl::read_csv("/no/such/file.csv"), xl::SerializationError);
  EXPECT_THROW(xl::read_csv(testing::TempDir()), xl::SerializationError);
  try {
    xl::read_csv("/no/such/file.csv");
  } catch (const xl::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/file.csv: No such file or directory"));
  }
}

TEST_F(Csv, ListsTheColumnsWhenOneIsUnknown) {
  const xl::Table table = read("date,HUFL,OT\n2016-07-01,1,2\n");
  try {
    table.column("HUFFLE");
    FAIL() << "no error";
  } catch (const xl::ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no column \"HUFFLE\"; the columns are: HUFL, OT"));
  }
}

TEST_F(Csv, ReadsTheDataOfTheExamples) {
  const xl::Table table = xl::read_csv(XLAYERS_SOURCE_DIR "/examples/data/ETTh1.csv");
  EXPECT_THAT(table.names, ElementsAre("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"));
  EXPECT_EQ(xl::shape(table.values), (xl::Shape{17420, 7}));
  EXPECT_EQ(table.dates.front(), (xl::Date{2016, 7, 1, 0, 0, 0}));
  EXPECT_EQ(table.dates.back(), (xl::Date{2018, 6, 26, 19, 0, 0}));
  EXPECT_EQ(table.column("HUFL")(1), 5.693f);
  EXPECT_EQ(table.column("OT")(0), 30.531f);
}

}  // namespace
