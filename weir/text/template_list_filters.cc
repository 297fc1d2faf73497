#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/builder.h"
#include "weir/json/number.h"
#include "weir/json/writer.h"
#include "weir/text/template_filters.h"

namespace weir::text::tmpl {
namespace {

using Arguments = std::span<const Datum>;
using Views = std::vector<json::View>;

// One list of deep copies: lists are short beside what is written of them, and then each is one
// document.
Result<Datum> ListOf(Work& work, const Views& views) {
  json::Builder builder;
  builder.BeginArray();
  for (const json::View view : views) {
    WEIR_CHECK(work.ChargeFor(view));
    builder.Copy(view);
  }
  builder.EndArray();
  return work.Made(std::move(builder).Finish());
}

// What a filter for lists goes through: items, characters or keys.
Result<Datum> AsList(Work& work, const Datum& input, std::string_view filter) {
  if (input.view.IsArray()) return input;
  json::Builder builder;
  builder.BeginArray();
  if (input.view.IsString()) {
    std::string_view text = input.view.StringOr("");
    WEIR_CHECK(work.Charge(text.size()));
    while (!text.empty()) {
      const std::size_t bytes = std::max<std::size_t>(OffsetOfCharacter(text, 1), 1);
      builder.String(text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
  } else if (input.view.IsObject()) {
    for (const json::Member member : input.view.members()) builder.String(member.key);
  } else {
    return work.Fail(StrCat("`", filter, "` does not work on ", Kind(input.view),
                            "; it needs a list, a string or an object"));
  }
  builder.EndArray();
  return work.Made(std::move(builder).Finish());
}

Result<Datum> ToList(Work& work, const Datum& input, Arguments) {
  return AsList(work, input, "list");
}

// The part of `item` that "a.b.0" names, absent if there is none; the item itself when no attribute
// is asked for.
Result<json::View> FindAttribute(Work& work, json::View item, const Datum& attribute) {
  if (!attribute.exists()) return item;
  if (attribute.view.IsNumber()) {
    const auto index = attribute.view.AsUint64();
    return index ? item[*index] : json::View();
  }
  WEIR_TRY(const std::string_view path, TextArgument(work, attribute, "attribute", ""));
  WEIR_CHECK(work.Charge(1 + path.size() / 4));
  json::View part = item;
  for (const std::string_view step : Split(path, '.')) {
    const auto index = ParseUint(step);
    part = part.IsArray() && index ? part[*index] : part.Find(step);
  }
  return part;
}

Result<json::View> Attribute(Work& work, json::View item, const Datum& attribute,
                             const Datum& fallback = {}) {
  WEIR_TRY(const json::View part, FindAttribute(work, item, attribute));
  if (part.exists()) return part;
  if (fallback.exists()) return fallback.view;
  const std::string name(attribute.view.StringOr(attribute.view.NumberText()));
  return work.Fail(StrCat("an item has no `", name, "`; take only those that have it: ",
                          "`| selectattr(\"", name, "\", \"defined\")`"));
}

Result<Datum> Default(Work&, const Datum& input, Arguments arguments) {
  const bool keep = input.exists() && (!IsTrue(arguments[1].view) || IsTrue(input.view));
  if (keep) return input;
  if (arguments[0].exists()) return arguments[0];
  return Datum::Own(json::Value::Of(std::string_view()));
}

Result<Datum> Length(Work& work, const Datum& input, Arguments) {
  if (input.view.IsString()) {
    const std::string_view text = input.view.StringOr("");
    WEIR_CHECK(work.ChargeBytes(text.size()));
    return Datum::Own(json::Value::Of(CountCharacters(text)));
  }
  if (input.view.IsArray() || input.view.IsObject()) {
    return Datum::Own(json::Value::Of(input.view.size()));
  }
  return work.Fail(StrCat("`length` does not work on ", Kind(input.view)));
}

Result<Datum> JoinItems(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "join"));
  WEIR_TRY(const std::string_view between, TextArgument(work, arguments[0], "d", ""));
  std::string out;
  bool first = true;
  for (const json::View item : list.view.items()) {
    if (!std::exchange(first, false)) out += between;
    WEIR_TRY(const json::View part, Attribute(work, item, arguments[1]));
    WEIR_CHECK(work.ChargeFor(part));
    AppendShown(out, part);
    WEIR_CHECK(work.CheckBytes(out.size()));
  }
  return work.Text(out);
}

Result<Datum> First(Work& work, const Datum& input, Arguments) {
  if (input.view.IsArray()) return input.Part(input.view[0]);
  WEIR_TRY(const Datum list, AsList(work, input, "first"));
  return list.Part(list.view[0]);
}

Result<Datum> Last(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "last"));
  return list.Part(list.view.empty() ? json::View() : list.view[list.view.size() - 1]);
}

Result<Datum> Reverse(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "reverse"));
  Views views(list.view.items().begin(), list.view.items().end());
  std::ranges::reverse(views);
  if (!input.view.IsString()) return ListOf(work, views);
  std::string out;
  for (const json::View view : views) out += view.StringOr("");
  return work.Text(out);
}

// What an item is sorted or told apart by.
struct Keyed {
  json::View item;
  Datum key;
  std::size_t place = 0;
};

Result<std::vector<Keyed>> KeyItems(Work& work, const Datum& list, const Datum& attribute,
                                    const Datum& case_sensitive) {
  std::vector<Keyed> keyed;
  keyed.reserve(list.view.size());
  const Filter& lower = *FindFilter("lower");
  for (const json::View item : list.view.items()) {
    WEIR_TRY(const json::View part, Attribute(work, item, attribute));
    Datum key = list.Part(part);
    if (part.IsString() && !IsTrue(case_sensitive.view)) {
      WEIR_TRY(key, lower.run(work, key, {}));
    }
    keyed.push_back({.item = item, .key = std::move(key), .place = keyed.size()});
  }
  return keyed;
}

Views ItemsOf(const std::vector<Keyed>& keyed) {
  Views views;
  views.reserve(keyed.size());
  for (const Keyed& one : keyed) views.push_back(one.item);
  return views;
}

Result<Datum> Sort(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "sort"));
  WEIR_TRY(auto keyed, KeyItems(work, list, arguments[2], arguments[1]));
  // When each has an order with the first, all have one with each other.
  for (const Keyed& one : keyed) {
    WEIR_CHECK(Order(work, keyed[0].key.view, one.key.view));
  }
  for (const Keyed& one : keyed) {
    WEIR_CHECK(work.ChargeFor(one.key.view, std::bit_width(keyed.size())));
  }
  const bool reverse = IsTrue(arguments[0].view);
  std::ranges::sort(keyed, [&](const Keyed& a, const Keyed& b) {
    const int order = OrderOf(a.key.view, b.key.view);
    if (order == 0) return a.place < b.place;
    return reverse ? order > 0 : order < 0;
  });
  return ListOf(work, ItemsOf(keyed));
}

std::uint64_t Hash(json::View view) {
  if (view.IsNumber()) return json::HashNumber(view.NumberText());
  if (view.IsString()) return std::hash<std::string_view>()(view.StringOr(""));
  return static_cast<std::uint64_t>(view.kind()) + view.size() * 31;
}

Result<Datum> Unique(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "unique"));
  WEIR_TRY(const auto keyed, KeyItems(work, list, arguments[1], arguments[0]));
  std::unordered_map<std::uint64_t, Views> seen;
  Views kept;
  for (const Keyed& one : keyed) {
    Views& alike = seen[Hash(one.key.view)];
    bool known = false;
    for (std::size_t i = 0; i < alike.size() && !known; ++i) {
      WEIR_TRY(known, Compare(work, Op::kEqual, alike[i], one.key.view));
    }
    if (known) continue;
    alike.push_back(one.key.view);
    kept.push_back(one.item);
  }
  return ListOf(work, kept);
}

// `map` takes an attribute of each item, or puts each through a filter.
Result<Datum> Map(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "map"));
  const Filter* filter =
      arguments[0].exists() ? FindFilter(arguments[0].view.StringOr("")) : nullptr;
  if ((filter != nullptr) == arguments[1].exists()) {
    return work.Fail("`map` takes either the name of a filter or `attribute=`");
  }
  const std::vector<Datum> none(filter == nullptr ? 0 : filter->count());
  json::Builder builder;
  builder.BeginArray();
  for (const json::View item : list.view.items()) {
    Datum made;
    if (filter == nullptr) {
      WEIR_TRY(made.view, Attribute(work, item, arguments[1], arguments[2]));
    } else {
      WEIR_TRY(made, filter->run(work, list.Part(item), none));
    }
    if (!made.exists()) return work.Fail("`map` has met an item of which nothing is left");
    WEIR_CHECK(work.ChargeFor(made.view));
    builder.Copy(made.view);
  }
  builder.EndArray();
  return work.Made(std::move(builder).Finish());
}

struct Choice {
  std::string_view filter;
  bool wanted = true;
  Datum attribute;
  Datum test;
  Datum argument;
};

Result<Datum> Choose(Work& work, const Datum& input, const Choice& choice) {
  WEIR_TRY(const Datum list, AsList(work, input, choice.filter));
  const Test* test = choice.test.exists() ? FindTest(choice.test.view.StringOr("")) : nullptr;
  if (choice.test.exists() && test == nullptr) {
    return work.Fail(UnknownTest(choice.test.view.StringOr("")));
  }
  if (test != nullptr && test->takes_argument != choice.argument.exists()) {
    return work.Fail(StrCat("the test `", test->name, "` takes ",
                            test->takes_argument ? "a value after it" : "no value"));
  }
  // An item without the attribute is one of which the test `defined` is false.
  const bool may_miss = test != nullptr && test->takes_missing;
  Views kept;
  for (const json::View item : list.view.items()) {
    WEIR_CHECK(work.Charge(1));
    WEIR_TRY(const json::View part, FindAttribute(work, item, choice.attribute));
    if (!part.exists() && !may_miss) {
      WEIR_CHECK(Attribute(work, item, choice.attribute));
    }
    bool passes = IsTrue(part);
    if (test != nullptr) {
      WEIR_TRY(passes, test->run(work, part, choice.argument.view));
    }
    if (passes == choice.wanted) kept.push_back(item);
  }
  return ListOf(work, kept);
}

Result<Datum> Select(Work& work, const Datum& input, Arguments arguments) {
  return Choose(work, input, {.filter = "select", .test = arguments[0], .argument = arguments[1]});
}

Result<Datum> Reject(Work& work, const Datum& input, Arguments arguments) {
  return Choose(
      work, input,
      {.filter = "reject", .wanted = false, .test = arguments[0], .argument = arguments[1]});
}

Result<Datum> SelectAttr(Work& work, const Datum& input, Arguments arguments) {
  return Choose(work, input,
                {.filter = "selectattr",
                 .attribute = arguments[0],
                 .test = arguments[1],
                 .argument = arguments[2]});
}

Result<Datum> RejectAttr(Work& work, const Datum& input, Arguments arguments) {
  return Choose(work, input,
                {.filter = "rejectattr",
                 .wanted = false,
                 .attribute = arguments[0],
                 .test = arguments[1],
                 .argument = arguments[2]});
}

Result<Datum> OfMembers(Work& work, const Datum& input, std::string_view filter, bool key,
                        bool value) {
  if (!input.view.IsObject()) {
    return work.Fail(
        StrCat("`", filter, "` does not work on ", Kind(input.view), "; it needs an object"));
  }
  WEIR_CHECK(work.ChargeFor(input.view));
  json::Builder builder;
  builder.BeginArray();
  for (const json::Member member : input.view.members()) {
    if (key && value) builder.BeginArray();
    if (key) builder.String(member.key);
    if (value) builder.Copy(member.value);
    if (key && value) builder.EndArray();
  }
  builder.EndArray();
  return work.Made(std::move(builder).Finish());
}

Result<Datum> ItemsFilter(Work& work, const Datum& input, Arguments) {
  return OfMembers(work, input, "items", true, true);
}

Result<Datum> KeysFilter(Work& work, const Datum& input, Arguments) {
  return OfMembers(work, input, "keys", true, false);
}

Result<Datum> ValuesFilter(Work& work, const Datum& input, Arguments) {
  return OfMembers(work, input, "values", false, true);
}

Result<Datum> Sum(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const Datum list, AsList(work, input, "sum"));
  Datum sum = Datum::Own(json::Value::Of(0));
  for (const json::View item : list.view.items()) {
    WEIR_CHECK(work.Charge(1));
    WEIR_TRY(const json::View part, Attribute(work, item, arguments[0]));
    WEIR_TRY(sum, Calculate(work, Op::kAdd, sum, list.Part(part)));
  }
  return sum;
}

Result<Datum> Extreme(Work& work, const Datum& input, Arguments arguments, int sign) {
  WEIR_TRY(const Datum list, AsList(work, input, sign < 0 ? "min" : "max"));
  json::View best;
  json::View best_part;
  for (const json::View item : list.view.items()) {
    WEIR_CHECK(work.Charge(1));
    WEIR_TRY(const json::View part, Attribute(work, item, arguments[0]));
    bool better = !best.exists();
    if (!better) {
      WEIR_TRY(const int order, Order(work, part, best_part));
      better = sign < 0 ? order < 0 : order > 0;
    }
    if (better) best = item;
    if (better) best_part = part;
  }
  return list.Part(best);
}

Result<Datum> Min(Work& work, const Datum& input, Arguments arguments) {
  return Extreme(work, input, arguments, -1);
}

Result<Datum> Max(Work& work, const Datum& input, Arguments arguments) {
  return Extreme(work, input, arguments, 1);
}

constexpr Filter kListFilters[] = {
    {.name = "default", .parameters = {"value", "boolean"}, .takes_missing = true, .run = Default},
    {.name = "d", .parameters = {"value", "boolean"}, .takes_missing = true, .run = Default},
    {.name = "length", .run = Length},
    {.name = "count", .run = Length},
    {.name = "join", .parameters = {"d", "attribute"}, .run = JoinItems},
    {.name = "first", .run = First},
    {.name = "last", .run = Last},
    {.name = "list", .run = ToList},
    {.name = "sort", .parameters = {"reverse", "case_sensitive", "attribute"}, .run = Sort},
    {.name = "unique", .parameters = {"case_sensitive", "attribute"}, .run = Unique},
    {.name = "reverse", .run = Reverse},
    {.name = "map", .parameters = {"filter", "attribute", "default"}, .run = Map},
    {.name = "select", .parameters = {"test", "value"}, .run = Select},
    {.name = "reject", .parameters = {"test", "value"}, .run = Reject},
    {.name = "selectattr",
     .parameters = {"attribute", "test", "value"},
     .required = 1,
     .run = SelectAttr},
    {.name = "rejectattr",
     .parameters = {"attribute", "test", "value"},
     .required = 1,
     .run = RejectAttr},
    {.name = "items", .run = ItemsFilter},
    {.name = "keys", .run = KeysFilter},
    {.name = "values", .run = ValuesFilter},
    {.name = "sum", .parameters = {"attribute"}, .run = Sum},
    {.name = "min", .parameters = {"attribute"}, .run = Min},
    {.name = "max", .parameters = {"attribute"}, .run = Max},
};

}  // namespace

std::span<const Filter> ListFilters() { return kListFilters; }

}  // namespace weir::text::tmpl
