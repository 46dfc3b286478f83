#include "xlayers/models/console/summary_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

std::string golden(const std::string& name) {
  static const auto text = nlohmann::json::parse(std::ifstream(XLAYERS_GOLDEN_DIR "/text.json"));
  return text.at("summary").at(name);
}

std::string printed(const Summary& summary, int line_length = 0) {
  std::ostringstream out;
  print(out, summary, line_length);
  return out.str();
}

/// The model that the documentation page of PositionalEmbedding shows.
Summary page_model() {
  return {.model_name = "sequential",
          .rows = {{.name = "token_embedding",
                    .class_name = "TokenEmbedding",
                    .output_shapes = {{None, 100, 64}},
                    .params = 192},
                   {.name = "positional_embedding",
                    .class_name = "PositionalEmbedding",
                    .output_shapes = {{None, 100, 64}}},
                   {.name = "dense", .class_name = "Dense", .output_shapes = {{None, 100, 32}}, .params = 2080},
                   {.name = "dense_1", .class_name = "Dense", .output_shapes = {{None, 100, 1}}, .params = 33}},
          .trainable = 2305};
}

TEST(SummaryTable, IsWhatKerasPrintsInTerminalsOfSeveralWidths) {
  for (const int terminal : {60, 80, 100, 120}) {
    const int line_length = std::min(88, terminal - 4);
    EXPECT_EQ(printed(page_model(), line_length), golden("terminal_" + std::to_string(terminal)));
  }
}

TEST(SummaryTable, IsWhatKerasPrintsForGivenLineLengths) {
  for (const int line_length : {50, 80, 100, 120}) {
    EXPECT_EQ(printed(page_model(), line_length), golden("line_length_" + std::to_string(line_length)));
  }
}

TEST(SummaryTable, TakesEightyColumnsWhereThereIsNoTerminal) {
  std::ostringstream out;
  EXPECT_EQ(summary_line_length(out, false), 76);
  EXPECT_EQ(summary_line_length(out, true), 76);
  EXPECT_EQ(printed(page_model()), golden("terminal_80"));
}

TEST(SummaryTable, CountsTheOptimizerIntoTheTotal) {
  Summary summary = page_model();
  summary.has_optimizer = true;
  summary.optimizer = 2 + 2 * summary.trainable;
  EXPECT_EQ(printed(summary), golden("trained_adam"));
  summary.optimizer = 2;
  EXPECT_EQ(printed(summary), golden("trained_sgd"));
  summary.optimizer = 2 + summary.trainable;
  EXPECT_EQ(printed(summary), golden("trained_sgd_momentum"));
}

TEST(SummaryTable, DoesNotShowAnOptimizerWithoutState) {
  Summary summary = page_model();
  summary.optimizer = 99;
  EXPECT_EQ(printed(summary), golden("compiled"));
}

TEST(SummaryTable, TellsFrozenParametersApart) {
  Summary summary = page_model();
  summary.trainable -= 192;
  summary.non_trainable = 192;
  EXPECT_EQ(printed(summary), golden("token_embedding_frozen"));
}

TEST(SummaryTable, CutsALongName) {
  Summary summary = page_model();
  summary.rows[0].name = "an_embedding_of_raw_values_with_a_name_of_forty_and_more_letters";
  EXPECT_EQ(printed(summary), golden("long_name"));
}

TEST(SummaryTable, ShowsLayersThatAreNotBuilt) {
  Summary summary{.model_name = "sequential",
                  .rows = {{.name = "dense", .class_name = "Dense", .built = false},
                           {.name = "activation", .class_name = "Activation"},
                           {.name = "dense_1", .class_name = "Dense", .built = false}}};
  EXPECT_EQ(printed(summary), golden("unbuilt"));
}

TEST(SummaryTable, OfAModelWithoutLayers) { EXPECT_EQ(printed({.model_name = "nothing_yet"}), golden("empty")); }

TEST(SummaryTable, SeparatesThousandsAndScalesSizes) {
  Summary summary{
      .model_name = "large",
      .rows = {{.name = "dense", .class_name = "Dense", .output_shapes = {{None, None, 2000}}, .params = 2002000},
               {.name = "dense_1", .class_name = "Dense", .output_shapes = {{None, None, 5}}, .params = 10005}},
      .trainable = 2012005};
  EXPECT_EQ(printed(summary), golden("large"));
}

/// Two inputs through one shared layer: printed by Keras 3.15.1 with line_length = 60 and 19.
Summary graph() {
  const Shape eight{None, 8};
  return {.model_name = "functional_1",
          .rows = {{.name = "a", .class_name = "InputLayer", .output_shapes = {eight}},
                   {.name = "b_with_long_name", .class_name = "InputLayer", .output_shapes = {eight}},
                   {.name = "shared",
                    .class_name = "Dense",
                    .output_shapes = {eight},
                    .params = 72,
                    .connected_to = {"a[0][0]", "b_with_long_name[0][0]"}},
                   {.name = "add",
                    .class_name = "Add",
                    .output_shapes = {eight},
                    .connected_to = {"shared[0][0]", "shared[1][0]"}}},
          .trainable = 72,
          .connections = true};
}

TEST(SummaryTable, ShowsConnections) {
  EXPECT_EQ(printed(graph(), 60), R"(Model: "functional_1"
┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)    ┃ Output Shape ┃ Param # ┃ Connected to  ┃
┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ a (InputLayer)  │ (None, 8)    │       0 │ -             │
├─────────────────┼──────────────┼─────────┼───────────────┤
│ b_with_long_na… │ (None, 8)    │       0 │ -             │
│ (InputLayer)    │              │         │               │
├─────────────────┼──────────────┼─────────┼───────────────┤
│ shared (Dense)  │ (None, 8)    │      72 │ a[0][0],      │
│                 │              │         │ b_with_long_… │
├─────────────────┼──────────────┼─────────┼───────────────┤
│ add (Add)       │ (None, 8)    │       0 │ shared[0][0], │
│                 │              │         │ shared[1][0]  │
└─────────────────┴──────────────┴─────────┴───────────────┘
 Total params: 72 (288.00 B)
 Trainable params: 72 (288.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST(SummaryTable, AlignsAWrappedHeaderAtTheBottom) {
  Summary summary{.model_name = "sequential_1", .rows = {{.name = "dense_2", .class_name = "Dense", .built = false}}};
  EXPECT_EQ(printed(summary, 40), R"(Model: "sequential_1"
┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃                 ┃ Output     ┃ Param ┃
┃ Layer (type)    ┃ Shape      ┃     # ┃
┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
│ dense_2 (Dense) │ ?          │     0 │
│                 │            │ (unb… │
└─────────────────┴────────────┴───────┘
 Total params: 0 (0.00 B)
 Trainable params: 0 (0.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST(SummaryTable, ListsTheShapesOfSeveralOutputs) {
  Summary summary = page_model();
  summary.rows[3].output_shapes = {{None, 1}, {None, 1}};
  EXPECT_THAT(printed(summary, 88), testing::HasSubstr("│ [(None, 1), (None, 1)]      │"));
  summary.rows[3].output_shapes = {{None}};
  EXPECT_THAT(printed(summary, 88), testing::HasSubstr("│ (None)  "));
}

TEST(SummaryTable, CountsCharactersAndNotBytes) {
  Summary summary{.model_name = "m", .rows = {{.name = "größe_ändern_für_übermäßig_lange_namen", .class_name = "Maß"}}};
  EXPECT_THAT(printed(summary, 76), testing::HasSubstr("│ größe_ändern_für_übermäßig_lan… │ ?                      │"));
  EXPECT_THAT(printed(summary, 76), testing::HasSubstr("│ (Maß)                           │"));
}

TEST(SummaryTable, RefusesALineThatIsTooShort) {
  std::ostringstream out;
  EXPECT_THROW(print(out, page_model(), 15), ValueError);
  EXPECT_THROW(print(out, graph(), 18), ValueError);
  EXPECT_THROW(print(out, graph(), -1), ValueError);
  EXPECT_EQ(out.str(), "") << "nothing is printed";
  EXPECT_NO_THROW(print(out, page_model(), 16));
  EXPECT_NO_THROW(print(out, graph(), 19));
}

}  // namespace
}  // namespace xl
