// model_to_dot: boxes, arrows, and what stands in the boxes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line.substr(std::min(line.find_first_not_of(' '), line.size())));
  return lines;
}

/// "series (InputLayer)" of a line that is a box, by its name "n0".
std::map<std::string, std::string> boxes_of(const std::string& dot) {
  std::map<std::string, std::string> boxes;
  const std::string before = "<FONT COLOR=\"white\">";
  for (const std::string& line : lines_of(dot))
    if (const std::size_t begin = line.find(before); begin != std::string::npos)
      boxes[line.substr(0, line.find(' '))] =
          line.substr(begin + before.size(), line.find("</FONT>") - begin - before.size());
  return boxes;
}

/// "a -> b", by the names of the layers.
std::vector<std::string> arrows_of(const std::string& dot) {
  std::map<std::string, std::string> boxes = boxes_of(dot);
  const auto name = [&](const std::string& box) { return boxes.at(box).substr(0, boxes.at(box).find(' ')); };
  std::vector<std::string> arrows;
  for (const std::string& line : lines_of(dot))
    if (const std::size_t arrow = line.find(" -> "); arrow != std::string::npos)
      arrows.push_back(name(line.substr(0, arrow)) + " -> " + name(line.substr(arrow + 4)));
  return arrows;
}

TEST(ModelToDot, IsTheGraphOfASequential) {
  const Sequential model({Input({8}, {.name = "in"}), Dense({.units = 2, .name = "out"})}, "small");
  EXPECT_EQ(model_to_dot(model),
            "digraph \"small\" {\n"
            "  rankdir = TB\n"
            "  node [shape = plain, fontname = \"Helvetica\"]\n"
            "  edge [arrowsize = 0.7]\n"
            "  n0 [label = <<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"6\"><TR><TD "
            "BGCOLOR=\"#222222\"><FONT COLOR=\"white\">in (InputLayer)</FONT></TD></TR></TABLE>>]\n"
            "  n1 [label = <<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"6\"><TR><TD "
            "BGCOLOR=\"#222222\"><FONT COLOR=\"white\">out (Dense)</FONT></TD></TR></TABLE>>]\n"
            "  n0 -> n1\n"
            "}\n");
}

TEST(ModelToDot, ShowsWhatItIsAskedFor) {
  Dense out({.units = 2, .activation = "relu", .name = "out"});
  const Sequential model(
      {Input({8}, {.dtype = "int32", .name = "in"}), Embedding({.input_dim = 3, .output_dim = 4}), out});
  out.set_trainable(false);
  const std::string dot = model_to_dot(model, {.show_shapes = true,
                                               .show_dtype = true,
                                               .show_layer_names = false,
                                               .rankdir = "LR",
                                               .show_layer_activations = true,
                                               .show_trainable = true});
  EXPECT_THAT(dot, HasSubstr("rankdir = LR"));
  EXPECT_THAT(dot, HasSubstr(">InputLayer<"));
  EXPECT_THAT(dot, HasSubstr("<TD COLSPAN=\"2\">Output: <B>(None, 8) int32</B>"));
  EXPECT_THAT(dot, HasSubstr(">Embedding<"));
  EXPECT_THAT(dot, HasSubstr("<TD>Input: <B>(None, 8) int32</B></TD><TD>Output: <B>(None, 8, 4) float32</B>"));
  EXPECT_THAT(dot, HasSubstr(">Activation: relu<"));
  EXPECT_THAT(dot, HasSubstr(">Trainable<"));
  EXPECT_THAT(dot, HasSubstr(">Not trainable<"));
  EXPECT_THAT(model_to_dot(model, {.show_shapes = true}), HasSubstr("<B>(None, 8)</B>"));
  EXPECT_THAT(model_to_dot(model, {.show_dtype = true}), HasSubstr("<B>int32</B>"));
}

TEST(ModelToDot, HasAnArrowForEachTensorAndABoxForEachLayer) {
  const SymbolicTensor a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  const Dense shared({.units = 4, .name = "shared"});
  const Model model({a, b}, {Add({.name = "sum"})({shared(a), shared(b)}), Subtract({.name = "self"})({a, a})});
  const std::string dot = model_to_dot(model);
  EXPECT_EQ(boxes_of(dot).size(), 5U);
  EXPECT_THAT(arrows_of(dot), UnorderedElementsAre("a -> shared", "b -> shared", "shared -> sum", "shared -> sum",
                                                   "a -> self", "a -> self"));
}

TEST(ModelToDot, AModelInsideIsABoxOrWhatIsInIt) {
  const SymbolicTensor x = Input({4}, {.name = "x"}), y = Input({4}, {.name = "y"});
  const Model inner({x, y}, {Dense({.units = 2, .name = "first"})(x), Dense({.units = 3, .name = "second"})(y)},
                    {.name = "inner"});
  const Sequential chain({Dense({.units = 5, .name = "one"}), Dense({.units = 6, .name = "two"})}, "chain");
  const SymbolicTensor a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  const SymbolicTensors both = inner.call(SymbolicTensors{a, b});
  const Model model({a, b}, {chain(both[1]), Activation({.activation = "relu", .name = "end"})(both[0])});
  EXPECT_THAT(arrows_of(model_to_dot(model)),
              UnorderedElementsAre("a -> inner", "b -> inner", "inner -> chain", "inner -> end"));

  const std::string dot = model_to_dot(model, {.expand_nested = true});
  EXPECT_THAT(dot, HasSubstr("label = \"inner (Functional)\""));
  EXPECT_THAT(dot, HasSubstr("label = \"chain (Sequential)\""));
  const std::vector<std::string> arrows = arrows_of(dot);
  EXPECT_THAT(arrows,
              testing::IsSupersetOf({"a -> x", "b -> y", "x -> first", "y -> second", "first -> end", "one -> two"}));
  EXPECT_THAT(arrows, Not(testing::Contains(HasSubstr("inner"))));
}

TEST(ModelToDot, AModelThatIsNotBuiltIsAChain) {
  const Sequential model({Dense({.units = 5, .name = "one"}), Dense({.units = 6, .name = "two"})});
  const std::string dot = model_to_dot(model, {.show_shapes = true});
  EXPECT_THAT(arrows_of(dot), ElementsAre("one -> two"));
  EXPECT_THAT(dot, HasSubstr("Output: <B>?</B>"));
}

TEST(ModelToDot, EscapesNames) {
  const Sequential model({Input({8}), Dense({.units = 2, .name = "a<b>&\"c\"\\\n"})}, "x\"y\\");
  const std::string dot = model_to_dot(model);
  EXPECT_THAT(dot, HasSubstr("digraph \"x&quot;y\\\\\" {"));
  EXPECT_THAT(dot, HasSubstr("a&lt;b&gt;&amp;&quot;c&quot;\\  (Dense)"));
}

TEST(ModelToDot, RefusesAnUnknownDirection) {
  const Sequential model({Input({8}), Dense({.units = 2})});
  try {
    model_to_dot(model, {.rankdir = "up"});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "[model_to_dot] unknown rankdir 'up'; known are TB, BT, LR, RL");
  }
}

}  // namespace
}  // namespace xl
