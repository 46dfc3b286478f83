#include "xlayers/models/data/timeseries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "xlayers/framework/base/errors.hpp"

namespace {

using testing::HasSubstr;

// first, first + 1, ...
xl::Tensor count(xl::Dim steps, float first = 0) {
  xl::Tensor series = xl::zeros({steps});
  for (float& value : series) value = first++;
  return series;
}

std::string error_of(const xl::Tensor& data, const xl::TimeseriesOptions& options) {
  try {
    xl::timeseries_dataset_from_array(data, options);
  } catch (const xl::ValueError& error) {
    return error.what();
  }
  return "no error";
}

// Windows and targets as Keras 3.15.1 gives them: how many, where the first two and the last start.
struct Case {
  const char* name;
  xl::Dim steps, targets;  // targets 0: none
  xl::TimeseriesOptions options;
  xl::Dim windows;
  float second, last;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Timeseries : public testing::TestWithParam<Case> {};

TEST_P(Timeseries, HasTheWindowsOfKeras) {
  const Case& c = GetParam();
  const auto first = static_cast<float>(c.options.start_index.value_or(0));
  xl::Tensor x, y;
  if (c.targets > 0) {
    auto dataset = xl::timeseries_dataset_from_array(count(c.steps), count(c.targets, 1000), c.options);
    x = dataset.x;
    y = dataset.y;
  } else {
    x = xl::timeseries_dataset_from_array(count(c.steps), c.options);
  }
  ASSERT_EQ(xl::shape(x), (xl::Shape{c.windows, c.options.sequence_length}));
  EXPECT_EQ(x(0, 0), first);
  if (c.windows > 1) {
    EXPECT_EQ(x(1, 0), c.second);
  }
  EXPECT_EQ(x(c.windows - 1, 0), c.last);
  for (xl::Dim i = 0; i < c.windows; ++i) {
    for (xl::Dim k = 0; k < c.options.sequence_length; ++k) {
      EXPECT_EQ(x(i, k), x(i, 0) + static_cast<float>(k * c.options.sampling_rate));
    }
  }
  if (c.targets == 0) return;
  ASSERT_EQ(xl::shape(y), (xl::Shape{c.windows}));
  for (xl::Dim i = 0; i < c.windows; ++i) EXPECT_EQ(y(i), 1000 + x(i, 0));
}

INSTANTIATE_TEST_SUITE_P(
    Keras, Timeseries,
    testing::Values(
        Case{"docs_example_1", 99, 0, {.sequence_length = 10, .sequence_stride = 3, .sampling_rate = 2}, 27, 3, 78},
        Case{"docs_example_2", 90, 90, {.sequence_length = 10}, 81, 1, 80},
        Case{"start_and_end",
             50,
             50,
             {.sequence_length = 8, .sequence_stride = 4, .start_index = 5, .end_index = 40},
             7,
             9,
             29},
        Case{"fewer_targets", 50, 30, {.sequence_length = 5, .sequence_stride = 2, .sampling_rate = 3}, 15, 2, 28},
        Case{"one_window", 20, 20, {.sequence_length = 20}, 1, 0, 0},
        Case{"one_window_of_few_steps",
             20,
             20,
             {.sequence_length = 4, .sequence_stride = 7, .sampling_rate = 5, .start_index = 1, .end_index = 19},
             1,
             0,
             1}),
    [](const auto& info) { return std::string(info.param.name); });

// Every window that Keras itself made, in golden/text.json. The series there is 0, 1, ... 19;
// "columns" has t and -t; the targets "ahead" are 6, 7, ... 19.
TEST(Timeseries, EqualsTheWindowsThatKerasMade) {
  std::ifstream in(XLAYERS_GOLDEN_DIR "/text.json");
  const nlohmann::json golden = nlohmann::json::parse(in).at("timeseries_windows");
  xl::Tensor columns = xl::zeros({20, 2});
  for (int t = 0; t < 20; ++t) {
    columns(t, 0) = static_cast<float>(t);
    columns(t, 1) = static_cast<float>(-t);
  }
  const auto expect_equal = [](const xl::Tensor& got, const nlohmann::json& expected) {
    const auto dims = expected.at("shape").get<std::vector<xl::Dim>>();
    EXPECT_EQ(xl::shape(got), xl::Shape(dims.begin(), dims.end()));
    EXPECT_THAT(got, testing::ElementsAreArray(expected.at("data").get<std::vector<float>>()));
  };
  int compared = 0;
  for (const auto& [group, cases] : golden.items()) {
    if (group == "data") continue;  // a description
    const xl::Tensor data = group.starts_with("columns") ? columns : count(20);
    const xl::Tensor targets = group.ends_with("ahead") ? count(14, 6) : columns;
    for (const auto& [name, expected] : cases.items()) {
      SCOPED_TRACE(group + " " + name);
      const nlohmann::json& given = expected.at("options");
      xl::TimeseriesOptions options{.sequence_length = given.at("sequence_length"),
                                    .sequence_stride = given.value("sequence_stride", 1),
                                    .sampling_rate = given.value("sampling_rate", 1)};
      if (given.contains("start_index")) options.start_index = given["start_index"];
      if (given.contains("end_index")) options.end_index = given["end_index"];
      if (expected.contains("y")) {
        const auto dataset = xl::timeseries_dataset_from_array(data, targets, options);
        expect_equal(dataset.x, expected.at("x"));
        expect_equal(dataset.y, expected.at("y"));
      } else {
        expect_equal(xl::timeseries_dataset_from_array(data, options), expected.at("x"));
      }
      ++compared;
    }
  }
  EXPECT_GE(compared, 15);
}

TEST(Timeseries, KeepsTheAxesBehindTime) {
  xl::Tensor data = xl::zeros({6, 2, 3});
  float next = 0;
  for (float& value : data) value = next++;
  auto [x, y] = xl::timeseries_dataset_from_array(data, data, {.sequence_length = 2, .sequence_stride = 2});
  ASSERT_EQ(xl::shape(x), (xl::Shape{3, 2, 2, 3}));
  ASSERT_EQ(xl::shape(y), (xl::Shape{3, 2, 3}));
  EXPECT_EQ(x(1, 1, 1, 2), data(3, 1, 2));
  EXPECT_EQ(y(2, 0, 1), data(4, 0, 1));
}

TEST(Timeseries, SaysWhatIsWrong) {
  const xl::Tensor data = count(20);
  const xl::Tensor few = count(3);
  EXPECT_THAT(error_of(data, {}), HasSubstr("sequence_length must be higher than 0, got 0"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .sequence_stride = 0}),
              HasSubstr("sequence_stride must be higher than 0, got 0"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .sequence_stride = 20}),
              HasSubstr("sequence_stride must be lower than the length of the data, 20, got 20"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .sampling_rate = -1}),
              HasSubstr("sampling_rate must be higher than 0, got -1"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .sampling_rate = 20}),
              HasSubstr("sampling_rate must be lower than the length of the data, 20, got 20"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .start_index = -1}),
              HasSubstr("start_index must be 0 or higher, got -1"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .start_index = 20}),
              HasSubstr("start_index must be lower than the length of the data, 20, got 20"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .start_index = 8, .end_index = 8}),
              HasSubstr("end_index must be higher than start_index, 8, got 8"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .end_index = 20}),
              HasSubstr("end_index must be lower than the length of the data, 20, got 20"));
  EXPECT_THAT(error_of(data, {.sequence_length = 2, .end_index = 0}),
              HasSubstr("end_index must be higher than 0, got 0"));
  EXPECT_THAT(error_of(data, {.sequence_length = 21}),
              HasSubstr("no window fits: sequence_length 21 at sampling_rate 1 in 20 steps"));
  EXPECT_THAT(error_of(data, {.sequence_length = std::int64_t{1} << 62, .sampling_rate = 19}),
              HasSubstr("no window fits"));
  EXPECT_THROW(xl::timeseries_dataset_from_array(xl::Tensor(1.0f), {.sequence_length = 1}), xl::ShapeError);
  try {
    xl::timeseries_dataset_from_array(data, few, {.sequence_length = 2, .start_index = 2});
    FAIL() << "no error";
  } catch (const xl::ValueError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the window that starts at 4 has no target: there are 3"));
  }
  EXPECT_THROW(xl::timeseries_dataset_from_array(data, count(0), {.sequence_length = 2}), xl::ValueError);
}

}  // namespace
