// Reads BookSim's configuration files (name = value; ...) in place of the parser that flex and bison would make.
//
// BookSim 2 (github.com/booksim/booksim2) is a separate program. Where flex and bison are installed, `make` in its folder
// src builds it, and this file is not needed. Otherwise, in that folder:
//
//     g++ -O3 -w -I. -Iarbiters -Iallocators -Irouters -Inetworks -Ipower *.cpp */*.cpp THIS_FILE -o booksim
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>

extern "C" void config_assign_string(char const* field, char const* value);
extern "C" void config_assign_int(char const* field, int value);
extern "C" void config_assign_float(char const* field, double value);
extern "C" int config_input(char* line, int max_size);

namespace {

std::string whole_input() {
    std::string text;
    char piece[4096];
    for (int n; (n = config_input(piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(n));
    return text;
}

std::string without_comments_and_spaces(const std::string& text) {
    std::string kept;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.compare(i, 2, "//") == 0) i = std::min(text.find('\n', i), text.size());
        if (i < text.size() && !std::isspace(static_cast<unsigned char>(text[i]))) kept += text[i];
    }
    return kept;
}

void assign(const std::string& name, const std::string& value) {
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (*end != '\0') {
        config_assign_string(name.c_str(), value.c_str());
    } else if (value.find_first_of(".eE") == std::string::npos) {
        config_assign_int(name.c_str(), std::atoi(value.c_str()));
    } else {
        config_assign_float(name.c_str(), number);
    }
}

}  // namespace

extern "C" int yyparse() {
    const std::string text = without_comments_and_spaces(whole_input());
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t equals = text.find('=', begin), end = text.find(';', begin);
        if (equals == std::string::npos || end == std::string::npos || end < equals) return 1;
        assign(text.substr(begin, equals - begin), text.substr(equals + 1, end - equals - 1));
        begin = end + 1;
    }
    return 0;
}
