// All roots at once: the iteration of O. Aberth (Math. Comp. 27, 1973) and L. W. Ehrlich.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <stdexcept>
#include <vector>

using Number = std::complex<double>;
using Numbers = std::vector<Number>;

class Aberth {
public:
    // Coefficients, that of the highest power first; the first and the last are not 0.
    explicit Aberth(Numbers coefficients) : a_(std::move(coefficients)), n_(a_.size() - 1) {
        // With x = scale * y, the geometric mean of the roots is 1.
        scale_ = std::exp((std::log(std::abs(a_[n_])) - std::log(std::abs(a_[0]))) / static_cast<double>(n_));
        double power = 1;
        for (Number& c : a_) {
            real_ = real_ && c.imag() == 0;
            c *= power;
            power /= scale_;
        }
    }

    Numbers run() {
        for (std::size_t i = 0; i < n_; i++) {
            const double part = static_cast<double>(i) / static_cast<double>(n_);
            z_.push_back(std::polar(1 + 0.1 * part, 6.283185307179586 * part + 0.7));
        }
        bool moving = n_ > 0;
        for (int round = 0; round < 500 && moving; round++) {
            moving = false;
            for (std::size_t i = 0; i < n_; i++) moving = improve(i) || moving;
        }
        for (Number& z : z_) z = tidy(z) * scale_;
        return z_;
    }

private:
    // Newton's step p(z)/p'(z). Outside the unit circle powers overflow: there it is that of the reversed polynomial at 1/z.
    Number newton(Number z) const {
        const bool inside = std::abs(z) <= 1;
        const Number x = inside ? z : 1.0 / z;
        Number value, slope;
        for (std::size_t k = 0; k <= n_; k++) {
            slope = slope * x + value;
            value = value * x + a_[inside ? k : n_ - k];
        }
        if (value == 0.0) return 0;
        if (inside) return slope == 0.0 ? 0.01 : value / slope;
        return 1.0 / ((static_cast<double>(n_) - x * slope / value) * x);
    }

    bool improve(std::size_t i) {
        Number step = newton(z_[i]), repulsion;
        for (std::size_t k = 0; k < n_; k++)
            if (k != i && z_[k] != z_[i]) repulsion += 1.0 / (z_[i] - z_[k]);
        step /= 1.0 - step * repulsion;
        if (!std::isfinite(step.real()) || !std::isfinite(step.imag())) return false;
        z_[i] -= step;
        return std::abs(step) > std::numeric_limits<double>::epsilon() * std::abs(z_[i]);
    }

    // Of a real polynomial's root, a part that is rounding becomes 0.
    Number tidy(Number z) const {
        const double least = real_ ? 1e-12 * std::abs(z) : 0;
        return {std::abs(z.real()) < least ? 0 : z.real(), std::abs(z.imag()) < least ? 0 : z.imag()};
    }

    Numbers a_, z_;
    std::size_t n_;
    double scale_ = 1;
    bool real_ = true;
};

// The roots, as many as the degree, ordered by real and then imaginary part.
inline Numbers solve(Numbers coefficients) {
    const auto first = std::find_if(coefficients.begin(), coefficients.end(), [](Number c) { return c != 0.0; });
    if (first == coefficients.end()) throw std::invalid_argument("coefficients: all are 0, so every number is a root");
    coefficients.erase(coefficients.begin(), first);
    Numbers roots;
    for (; coefficients.back() == 0.0; coefficients.pop_back()) roots.emplace_back(0);
    if (coefficients.size() > 1)
        for (const Number& z : Aberth(coefficients).run()) roots.push_back(z + 0.0);
    std::sort(roots.begin(), roots.end(), [](Number a, Number b) { return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag(); });
    return roots;
}
