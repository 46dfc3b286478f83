// Configs, their conversion to JSON and Boost's archives, and the options of objects.

#include "xlayers/framework/config/config.hpp"
#include "golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/archive/text_iarchive.hpp>
#include <boost/archive/text_oarchive.hpp>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <clocale>
#include <cmath>
#include <limits>
#include <locale>
#include <random>
#include <sstream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/config_boost.hpp"

namespace {

using xl::testing_golden::error_of;

using testing::HasSubstr;
using xl::Config;
using xl::Format;
using xl::SerializationError;
using xl::Value;
using xl::ValueError;

constexpr Format formats[] = {Format::json, Format::text, Format::binary, Format::xml};
constexpr Format archives[] = {Format::text, Format::binary, Format::xml};
constexpr double infinity = std::numeric_limits<double>::infinity();

std::string saved(const Config& config, Format format) {
  std::ostringstream out;
  xl::save_config(out, config, format);
  return out.str();
}

Config loaded(const std::string& bytes, Format format) {
  std::istringstream in(bytes);
  return xl::load_config(in, format);
}

/// The same bits: 0.0 and -0.0 differ, and so do 1 and 1.0.
void expect_identical(const Value& a, const Value& b);
void expect_identical(const Config& a, const Config& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a.entries()[i].first, b.entries()[i].first);
    expect_identical(a.entries()[i].second, b.entries()[i].second);
  }
}
void expect_identical(const Value& a, const Value& b) {
  ASSERT_EQ(a.kind(), b.kind()) << a.to_text() << " and " << b.to_text();
  if (a.kind() == Value::Kind::number) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(a.as_number()), std::bit_cast<std::uint64_t>(b.as_number()));
  } else if (a.is_list()) {
    ASSERT_EQ(a.as_list().size(), b.as_list().size());
    for (std::size_t i = 0; i < a.as_list().size(); ++i) expect_identical(a.as_list()[i], b.as_list()[i]);
  } else if (a.is_config()) {
    expect_identical(a.as_config(), b.as_config());
  } else {
    EXPECT_EQ(a, b);
  }
}

Config everything() {
  return {
      {"null", nullptr},
      {"yes", true},
      {"no", false},
      {"zero", 0},
      {"smallest", std::numeric_limits<std::int64_t>::min()},
      {"largest", std::numeric_limits<std::int64_t>::max()},
      {"numbers", Value::List{0.0, -0.0, 1.0, 0.1, 1.0 / 3, -2.5e-7, 1e16, 123456789012345680.0,
                              std::numeric_limits<double>::max(), std::numeric_limits<double>::min(),
                              std::numeric_limits<double>::denorm_min()}},
      {"texts",
       Value::List{"", " ", "  two  \n\tlines\r\n", "\"quoted\" 'twice' \\ / & < > &amp;", "größe 日本語 \U0001F600",
                   std::string("a\0b\x01\x1f\x7f", 6), "</text>", std::string(10000, 'x')}},
      {"lists", Value::List{Value::List{}, Value::List{Value::List{1, "a", nullptr}, true}}},
      {"config", Config{{"empty", Config{}}, {"inner", Config{{"units", 32}}}}},
      {"", "an empty key"},
      {"a key with \"quotes\" <and> more\n", 1},
  };
}

/// `levels` configs and lists in each other.
Config nested(int levels) {
  Value value = 1;
  for (int i = 1; i < levels; ++i) value = i % 2 == 0 ? Value(Config{{"a", value}}) : Value(Value::List{value});
  return Config{{"a", value}};
}

// ---- the tree
// ---------------------------------------------------------------------------------------

TEST(Config, KeepsTheOrderOfItsKeys) {
  Config config{{"b", 1}, {"a", 2}};
  config.set("c", 3);
  config.set("b", "changed");
  EXPECT_EQ(config.to_json(), R"({"b": "changed", "a": 2, "c": 3})");
  config.erase("a");
  EXPECT_EQ(config.to_json(), R"({"b": "changed", "c": 3})");
  EXPECT_TRUE(config.contains("c"));
  EXPECT_EQ(config.find("a"), nullptr);
  EXPECT_EQ(error_of([&] { config.at("a"); }), "no key 'a' in the config; its keys are b, c");
  EXPECT_EQ(error_of([&] { Config().at("a"); }), "no key 'a' in the config; it has none");
  EXPECT_EQ(error_of([] {
              Config::from_entries({{"a", 1}, {"b", 2}, {"a", 3}});
            }),
            "the key 'a' comes twice in one config");
}

TEST(Config, ValuesSayWhatTheyHold) {
  EXPECT_EQ(Value(3).as_number(), 3.0);
  EXPECT_EQ(error_of([] { Value(3.0).as_int(); }), "expected an integer, got 3.0");
  EXPECT_EQ(error_of([] { Value("x").as_number(); }), "expected a number, got \"x\"");
  EXPECT_EQ(error_of([] { Value().as_bool(); }), "expected true or false, got null");
  EXPECT_EQ(error_of([] { Value(true).as_string(); }), "expected a text, got true");
  EXPECT_EQ(error_of([] { Value(-infinity).as_list(); }), "expected a list, got -Infinity");
  EXPECT_EQ(error_of([] { Value(Value::List{1, "ü"}).as_config(); }), "expected an object, got [1, \"ü\"]");
  const std::string long_text = error_of([] { Value(std::string(1000, 'x')).as_int(); });
  EXPECT_LT(long_text.size(), 150u);
}

// ---- JSON
// -------------------------------------------------------------------------------------------

TEST(Json, IsWrittenAsPythonWritesIt) {
  const Config config{{"units", 32},       {"rate", 0.5},          {"axis", Value::List{-1, 2.0}},
                      {"none", nullptr},   {"on", true},           {"empty", Value::List{}},
                      {"inner", Config{}}, {"name", "größe\n\x7f"}};
  EXPECT_EQ(config.to_json(), R"({"units": 32, "rate": 0.5, "axis": [-1, 2.0], "none": null, "on": true, )"
                              R"("empty": [], "inner": {}, "name": "gr\u00f6\u00dfe\n\u007f"})");
  EXPECT_EQ((Config{{"a", Value::List{1, Config{{"b", 2}}}}, {"c", Config{}}}).to_json(2),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": {}\n}");
  std::ostringstream out;
  out << Config{{"a", 1}};
  EXPECT_EQ(out.str(), "{\n  \"a\": 1\n}");
}

TEST(Json, NumbersHaveTheShortestDigits) {
  // As Python's repr.
  const std::pair<double, const char*> cases[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {0.1, "0.1"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {1e22, "1e+22"},
      {1e23, "1e+23"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1e-7, "1e-07"},
      {5e-324, "5e-324"},
      {1.0 / 3, "0.3333333333333333"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {9007199254740993.0, "9007199254740992.0"},
      {123456789012345680.0, "1.2345678901234568e+17"},
  };
  for (const auto& [number, text] : cases) EXPECT_EQ(Value(number).to_text(), text);
  EXPECT_EQ(xl::to_value(0.1f).to_text(), "0.1");
  EXPECT_EQ(xl::to_value(16777216.0f).to_text(), "16777216.0");
  EXPECT_EQ(Config::from_json(R"({"a": 1e3})").at("a").as_number(), 1000.0);
  EXPECT_EQ(Config::from_json(R"({"a": -0.0})").to_json(), R"({"a": -0.0})");
}

TEST(Json, RefusesWhatIsNotJson) {
  const auto error = [](std::string_view text) { return error_of([&] { Config::from_json(text); }); };
  EXPECT_EQ(error(""),
            "cannot read a config from JSON: parse error at line 1, column 1: syntax error "
            "while parsing value - unexpected end of input; expected '[', '{', or a literal");
  EXPECT_THAT(error("{\"a\": 1,\n \"b\": }"), HasSubstr("line 2, column 7"));
  EXPECT_THAT(error("{\"a\": 1} x"), HasSubstr("expected end of input"));
  EXPECT_THAT(error("{\"a\": NaN}"), HasSubstr("parse error"));
  EXPECT_THAT(error("{\"a\": 1e999}"), HasSubstr("number overflow parsing '1e999'"));
  EXPECT_THAT(error("{\"a\": \"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(error("{\"a\": \"\\ud800\"}"), HasSubstr("surrogate"));
  EXPECT_EQ(error("[1, 2]"), "cannot read a config from JSON: expected an object {...}, got [1, 2]");
  EXPECT_EQ(error("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}"),
            "cannot read a config from JSON: the key 'c' comes twice in one config");
  for (const char* integer : {"9223372036854775808", "-9223372036854775809", "123456789012345678901234567890"})
    EXPECT_EQ(error("{\"a\": " + std::string(integer) + "}"),
              "cannot read a config from JSON: the integer " + std::string(integer) + " has more than 64 bits");
  const std::string deep(100000, '[');
  EXPECT_EQ(error("{\"a\": " + deep), "cannot read a config from JSON: it is more than 64 levels deep");
}

TEST(Json, RefusesToWriteATextThatIsNotUtf8) {
  EXPECT_EQ(error_of([] { (Config{{"a", "x\xff"}}).to_json(); }), "a text is not UTF-8: \"x\xef\xbf\xbd\"");
}

// ---- every format
// -----------------------------------------------------------------------------------

TEST(ConfigFormats, RoundTripsAreExact) {
  for (const Format format : formats) {
    SCOPED_TRACE(static_cast<int>(format));
    for (const Config& config : {Config(), everything(), nested(64)})
      expect_identical(config, loaded(saved(config, format), format));
  }
}

TEST(ConfigFormats, JsonIsIndentedByTwo) {
  std::ostringstream out;
  save_config(out, {{"a", 1}, {"b", Config{{"c", Value::List{true}}}}}, Format::json);
  EXPECT_EQ(out.str(), "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      true\n    ]\n  }\n}\n");
}

TEST(Json, IsIndentedAsPythonIndentsIt) {
  const Config config{{"a", 1}, {"b", Value::List{2, 3}}, {"c", Config()}};
  EXPECT_EQ(config.to_json(), R"({"a": 1, "b": [2, 3], "c": {}})");
  EXPECT_EQ(config.to_json(0), "{\n\"a\": 1,\n\"b\": [\n2,\n3\n],\n\"c\": {}\n}");
  EXPECT_EQ(config.to_json(1), "{\n \"a\": 1,\n \"b\": [\n  2,\n  3\n ],\n \"c\": {}\n}");
}

TEST(ConfigFormats, ArchivesHoldAnyBytesAndTextsOfAnyLength) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  for (const Format format : archives) {
    SCOPED_TRACE(static_cast<int>(format));
    Config config{{"bytes", bytes}};
    for (const std::size_t length : {4095, 4096, 4097, 8192, 20000})
      config.set("length" + std::to_string(length), std::string(length, 'x'));
    expect_identical(config, loaded(saved(config, format), format));
  }
}

TEST(ConfigFormats, RefuseNaNAndInfinity) {
  for (const Format format : formats) {
    EXPECT_EQ(error_of([&] { saved({{"a", std::nan("")}}, format); }), "a config holds finite numbers only, got NaN");
    EXPECT_EQ(error_of([&] {
                saved({{"a", Value::List{-infinity}}}, format);
              }),
              "a config holds finite numbers only, got -Infinity");
  }
}

TEST(ConfigFormats, RefuseWhatIsTooDeep) {
  for (const Format format : formats)
    EXPECT_EQ(error_of([&] { saved(nested(65), format); }), "a config is more than 64 levels deep");
}

TEST(ConfigFormats, ADamagedStreamIsAnError) {
  const Config config{{"units", 32}};
  for (const Format format : archives) {
    SCOPED_TRACE(static_cast<int>(format));
    const std::string bytes = saved(config, format);
    const auto error = [&](const std::string& changed) { return error_of([&] { loaded(changed, format); }); };
    EXPECT_EQ(error(""), "cannot read a config: the stream is empty");
    EXPECT_EQ(error("{\"units\": 32}"), "cannot read a config: the stream does not begin with 'xlayers-config'");
    EXPECT_EQ(error("xlayers-config"), "cannot read a config: the stream does not begin with 'xlayers-config'");
    EXPECT_EQ(error("xlayers-config 1 "), "cannot read a config: its header is damaged");
    std::string newer = bytes;
    newer.replace(0, 16, "xlayers-config 7");
    EXPECT_EQ(error(newer),
              "cannot read a config: it was written by a newer version of xlayers (format 7, this "
              "one reads 1)");
    std::string changed = bytes;
    changed[changed.size() - 3] ^= 1;
    EXPECT_EQ(error(changed), "cannot read a config: it was changed after it was written");
    EXPECT_THAT(error(bytes.substr(0, bytes.size() - 1)), HasSubstr("cannot read a config: it is cut short, "));
  }
  EXPECT_EQ(error_of([&] { loaded(saved(config, Format::text), Format::xml); }),
            "cannot read a config: expected the format xml, got text");
  EXPECT_THAT(error_of([&] { loaded(saved(config, Format::text), Format::json); }),
              HasSubstr("cannot read a config from JSON: parse error at line 1, column 1"));
}

TEST(ConfigFormats, SeveralArchivesStandBehindEachOther) {
  std::stringstream stream;
  for (const Format format : archives) xl::save_config(stream, everything(), format);
  for (const Format format : archives) EXPECT_EQ(xl::load_config(stream, format), everything());
}

TEST(ConfigFormats, AStreamThatFailsIsAnError) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(error_of([&] { xl::save_config(out, everything(), Format::binary); }),
            "cannot write a config: the stream failed");
  std::istringstream in;
  in.setstate(std::ios::failbit);
  EXPECT_EQ(error_of([&] { xl::load_config(in, Format::json); }), "cannot read a config: the stream failed");
}

/// Puts the right header in front of any archive, as somebody would who wants to break the reader.
std::string sealed(Format format, const std::string& archive) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : archive) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  std::ostringstream out;
  out << "xlayers-config 1 "
      << (format == Format::text  ? "text"
          : format == Format::xml ? "xml"
                                  : "binary")
      << ' ' << archive.size() << ' ' << std::hex;
  out.width(16);
  out.fill('0');
  out << hash << '\n' << archive;
  return out.str();
}

std::string archive_of(const std::string& bytes) { return bytes.substr(bytes.find('\n') + 1); }

TEST(ConfigFormats, AFalseLengthAllocatesNothingMuch) {
  EXPECT_EQ(sealed(Format::text, archive_of(saved(everything(), Format::text))), saved(everything(), Format::text));
  // One entry whose key has 2^60 bytes; a list of 2^60 items; a header that promises 2^62 bytes.
  for (const char* hostile : {"1 1152921504606846976\n\nYQ==\n", "1 1\n\nYQ==\n5 1152921504606846976 0 0"})
    EXPECT_THAT(error_of([&] { loaded(sealed(Format::text, hostile), Format::text); }),
                testing::AnyOf(HasSubstr("cannot read a config: "), HasSubstr("more than 1048576 items")));
  EXPECT_EQ(
      error_of([] { loaded("xlayers-config 1 xml 4611686018427387904 0123456789abcdef\n<config>", Format::xml); }),
      "cannot read a config: it is cut short, 4611686018427387904 bytes were written and 8 are "
      "there");
}

/// One to four random changes: a bit, a byte, a piece cut out, a piece put in, a piece doubled, the
/// end cut.
std::string mutated(std::string bytes, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
  for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = below(bytes.size());
    const std::size_t length = 1 + below(8);
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        for (std::size_t i = 0; i < length; ++i) bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 4:
        bytes.insert(at, bytes.substr(below(bytes.size()), length * 4));
        break;
      case 5:
        bytes[at] = "0123456789-.e<>/&;\"{}[],:\n "[below(27)];
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

TEST(ConfigFuzz, ChangedBytesGiveAnErrorAndNothingWorse) {
  std::mt19937_64 random(1);
  Config config = everything();
  config.erase("texts");
  config.set("texts", Value::List{"", "größe & <b>", std::string("\0\x01", 2)});
  for (const Format format : archives) {
    SCOPED_TRACE(static_cast<int>(format));
    const std::string bytes = saved(config, format);
    int errors = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string changed = mutated(bytes, random);
      try {
        // Only what stands behind the end of the archive is not ours to judge.
        EXPECT_EQ(loaded(changed, format), config);
        EXPECT_EQ(changed.compare(0, bytes.size(), bytes), 0);
      } catch (const SerializationError&) {
        ++errors;
      }
    }
    EXPECT_GT(errors, 2500);
  }
}

TEST(ConfigFuzz, HostileArchivesGiveAnErrorOrAConfig) {
  std::mt19937_64 random(2);
  Config config = everything();
  config.erase("texts");
  config.set("texts", Value::List{"", "größe & <b>", std::string("\0\x01", 2)});
  for (const Format format : formats) {
    SCOPED_TRACE(static_cast<int>(format));
    const std::string bytes = saved(config, format);
    int errors = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string changed =
          format == Format::json ? mutated(bytes, random) : sealed(format, mutated(archive_of(bytes), random));
      try {
        // Whatever was read is a config like any other, except that a text may not be UTF-8.
        const Config read = loaded(changed, format);
        expect_identical(read, loaded(saved(read, Format::binary), Format::binary));
      } catch (const SerializationError&) {
        ++errors;
      }
    }
    EXPECT_GT(errors, 500);
  }
}

// ---- locales
// ----------------------------------------------------------------------------------------

struct CommaNumbers : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(ConfigFormats, DoNotDependOnTheLocale) {
  std::string expected[std::size(formats)];
  for (const Format format : formats) expected[static_cast<int>(format)] = saved(everything(), format);

  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaNumbers));
  const std::string c_before = std::setlocale(LC_NUMERIC, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"})
    if (std::setlocale(LC_NUMERIC, name) != nullptr) break;
  for (const Format format : formats) {
    SCOPED_TRACE(static_cast<int>(format));
    std::ostringstream out;  // has the comma
    xl::save_config(out, everything(), format);
    EXPECT_EQ(out.str(), expected[static_cast<int>(format)]);
    std::istringstream in(out.str());
    expect_identical(xl::load_config(in, format), everything());
  }
  std::setlocale(LC_NUMERIC, c_before.c_str());
  std::locale::global(before);
}

// ---- Boost archives of the user's own
// ---------------------------------------------------------------

struct Experiment {
  std::string name;
  Config config;

  template <class BoostArchive>
  void serialize(BoostArchive& archive, unsigned) {
    archive& boost::serialization::make_nvp("name", name);
    archive& boost::serialization::make_nvp("config", config);
  }
};

template <class Out, class In>
void expect_round_trip() {
  std::stringstream stream;
  const Experiment written{"first", everything()};
  {
    Out archive(stream);
    archive << boost::serialization::make_nvp("experiment", written);
  }
  Experiment read;
  In archive(stream);
  archive >> boost::serialization::make_nvp("experiment", read);
  EXPECT_EQ(read.name, "first");
  expect_identical(read.config, written.config);
}

TEST(ConfigBoost, AConfigGoesIntoAnyArchive) {
  expect_round_trip<boost::archive::text_oarchive, boost::archive::text_iarchive>();
  expect_round_trip<boost::archive::binary_oarchive, boost::archive::binary_iarchive>();
  expect_round_trip<boost::archive::xml_oarchive, boost::archive::xml_iarchive>();
}

// ---- options
// ----------------------------------------------------------------------------------------

struct Options {
  int units = 1;
  float rate = 0.5f;
  bool use_bias = true;
  std::string padding = "valid";
  std::optional<std::int64_t> seed = {};
  std::vector<int> kernel = {3};
  std::optional<std::vector<float>> scales = {};
};

void serialize(xl::Archive& archive, Options& options) {
  archive("units", options.units)("rate", options.rate)("use_bias", options.use_bias);
  archive("padding", options.padding)("seed", options.seed)("kernel", options.kernel);
  archive("scales", options.scales).ignore("dtype");
}

std::string config_of(Options options) {
  Config config;
  xl::Archive archive = xl::Archive::writer(config);
  serialize(archive, options);
  return config.to_json();
}

Options options_of(const Config& config, const char* owner = "Layer 'layer_1'") {
  Options options;
  xl::Archive archive = xl::Archive::reader(config, owner);
  serialize(archive, options);
  archive.finish();
  return options;
}

TEST(Archive, OneDescriptionWritesAndReads) {
  const char* defaults = R"({"units": 1, "rate": 0.5, "use_bias": true, "padding": "valid", "seed": null, )"
                         R"("kernel": [3], "scales": null})";
  EXPECT_EQ(config_of({}), defaults);
  EXPECT_EQ(config_of(options_of({})), defaults);
  const char* other = R"({"units": -7, "rate": 0.1, "use_bias": false, "padding": "same", "seed": 12345678901, )"
                      R"("kernel": [], "scales": [1.0, 0.3]})";
  EXPECT_EQ(config_of(options_of(Config::from_json(other))), other);
  EXPECT_EQ(options_of({{"rate", 2}, {"dtype", "float32"}}).rate, 2.0f);
}

TEST(Archive, ErrorsNameTheOwnerAndTheOption) {
  const auto error = [](const Config& config) { return error_of([&] { options_of(config); }); };
  EXPECT_EQ(error({{"units", "many"}}), "[Layer 'layer_1'] option 'units': expected an integer, got \"many\"");
  EXPECT_EQ(error({{"units", 1LL << 40}}),
            "[Layer 'layer_1'] option 'units': expected an integer of 32 bits, got 1099511627776");
  EXPECT_EQ(error({{"use_bias", 1}}), "[Layer 'layer_1'] option 'use_bias': expected true or false, got 1");
  EXPECT_EQ(error({{"kernel", 3}}), "[Layer 'layer_1'] option 'kernel': expected a list, got 3");
  EXPECT_EQ(error({{"scales", Value::List{1, "x"}}}),
            "[Layer 'layer_1'] option 'scales': expected a number, got \"x\"");
  EXPECT_EQ(error({{"rate", std::nan("")}}), "[Layer 'layer_1'] option 'rate': expected a finite number, got NaN");
  EXPECT_EQ(error({{"rate", 1e39}}),
            "[Layer 'layer_1'] option 'rate': expected a number that fits into a float, got 1e+39");
  EXPECT_EQ(options_of({{"rate", 3.4028235e38}}).rate, std::numeric_limits<float>::max());
  EXPECT_EQ(error({{"unit", 1}}),
            "[Layer 'layer_1'] unknown option 'unit'; the options are units, rate, use_bias, "
            "padding, seed, kernel, scales, dtype");
  EXPECT_EQ(error_of([] { options_of({{"units", nullptr}}, ""); }), "option 'units': expected an integer, got null");
}

TEST(Archive, AWrongOptionStaysAsItWas) {
  std::vector<int> kernel{1, 2};
  EXPECT_THROW(xl::from_value(Value(Value::List{3, "x"}), kernel), ValueError);
  EXPECT_EQ(kernel, (std::vector<int>{1, 2}));
  float rate = 0.25f;
  EXPECT_THROW(xl::from_value(Value(infinity), rate), ValueError);
  EXPECT_EQ(rate, 0.25f);
}

TEST(Options, AreIntegersUpToTheEndsOf32Bits) {
  for (const int end : {std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    int option = 0;
    xl::from_value(Value(end), option);
    EXPECT_EQ(option, end);
    const std::int64_t beyond = end < 0 ? std::int64_t{end} - 1 : std::int64_t{end} + 1;
    EXPECT_EQ(error_of([&] { xl::from_value(Value(beyond), option); }),
              "expected an integer of 32 bits, got " + std::to_string(beyond));
    EXPECT_EQ(option, end);
  }
}

}  // namespace
