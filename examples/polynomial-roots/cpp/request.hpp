// Requests and answers: as much of JSON as they take.
#pragma once

#include <cctype>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include "solve.hpp"

// Reads {"id": 1, "coefficients": [1, 0, [0, 2]]}. std::invalid_argument says what is wrong.
class Request {
public:
    explicit Request(std::string_view text) : rest_(text) {}

    void read() {
        if (!next_is('{')) throw std::invalid_argument("the request is not a JSON object");
        while (!next_is('}')) {
            const std::string key = scalar();
            expect(':', "the request is not JSON");
            if (key == "\"id\"") id = scalar();
            else if (key == "\"coefficients\"") list();
            else throw std::invalid_argument("a request has an id and coefficients, and nothing else");
            next_is(',');
        }
        if (coefficients.empty()) throw std::invalid_argument(wanted_list);
    }

    std::string id = "null";  // as it stands in the request
    Numbers coefficients;

private:
    static constexpr const char* wanted_list = "coefficients: a list of numbers is wanted, the one of the highest power first";
    static constexpr const char* wanted_number = "coefficients: a number or [real, imaginary] is wanted";

    void space() {
        while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) rest_.remove_prefix(1);
    }

    bool next_is(char c) {
        space();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void expect(char c, const char* wrong) {
        if (!next_is(c)) throw std::invalid_argument(wrong);
    }

    void list() {
        expect('[', wanted_list);
        if (next_is(']')) throw std::invalid_argument("coefficients: there are none");
        do coefficients.push_back(coefficient());
        while (next_is(','));
        expect(']', "the request is not JSON");
    }

    Number coefficient() {
        if (!next_is('[')) return number();
        const double real = number();
        expect(',', wanted_number);
        const double imaginary = number();
        expect(']', wanted_number);
        return {real, imaginary};
    }

    double number() {
        space();
        const std::string text(rest_.substr(0, rest_.find_first_not_of("+-.0123456789eE")));
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (text.empty() || *end != 0) throw std::invalid_argument(wanted_number);
        if (!std::isfinite(value)) throw std::invalid_argument("coefficients: a number is not finite");
        rest_.remove_prefix(text.size());
        return value;
    }

    // A string or a number, as it stands.
    std::string scalar() {
        space();
        std::size_t n = 0;
        if (!rest_.empty() && rest_.front() == '"') {
            for (n = 1; n < rest_.size() && rest_[n] != '"'; n++) n += rest_[n] == '\\';
            if (n++ >= rest_.size()) throw std::invalid_argument("the request is not JSON");
        } else
            while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) || rest_[n] == '-')) n++;
        if (n == 0) throw std::invalid_argument("id: it is a string or an integer");
        const std::string text(rest_.substr(0, n));
        rest_.remove_prefix(n);
        return text;
    }

    std::string_view rest_;
};

// The answer to a request; never an exception.
inline std::string answer(std::string_view text) {
    Request request(text);
    std::ostringstream out;
    try {
        request.read();
        const Numbers roots = solve(request.coefficients);
        out << std::setprecision(17) << "{\"id\": " << request.id << ", \"roots\": [";
        for (std::size_t i = 0; i < roots.size(); i++) out << (i > 0 ? ", [" : "[") << roots[i].real() << ", " << roots[i].imag() << "]";
        out << "]}";
    } catch (const std::invalid_argument& e) {
        out << "{\"id\": " << request.id << ", \"error\": \"" << e.what() << "\"}";
    }
    return out.str();
}
