// Fills a struct from a text: the schema is made from the struct, the server is told to keep it,
// and the answer is checked all the same.
//
//   example_extract ENGINE TEXT        e.g. example_extract sim "Ada, 36, ada@example.com"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "weir/weir.h"

struct Person {
  std::string name;
  int age = 0;
  std::optional<std::string> email;
  std::vector<std::string> skills;
};
BOOST_DESCRIBE_STRUCT(Person, (), (name, age, email, skills))

template <>
struct weir::Notes<Person> {
  static void Describe(weir::schema::Fields<Person>& f) {
    f(&Person::age).Text("in years").Min(0).Max(150);
    f(&Person::skills).Max(5).Default();
  }
};

static int Complain(const weir::Error& error) {
  std::fprintf(stderr, "%s\n", weir::Describe(error).c_str());
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_extract ENGINE TEXT\n", stderr);
    return 64;
  }
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) return Complain(client.error());

  const auto person = client->Extract<Person>(std::string("Who is it?\n\n") + argv[2]);
  if (!person) return Complain(person.error());
  std::printf("%s is %d and can do %zu things\n", person->name.c_str(), person->age,
              person->skills.size());
  return 0;
}
