import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * All complex roots of a polynomial, by Aberth's and Ehrlich's simultaneous iteration (O. Aberth, Math. Comp. 27, 1973)
 * from Bini's starting points (D. Bini, Numerical Algorithms 13, 1996).
 */
final class Roots {
    private static final double EPSILON = Math.ulp(1.0) / 2;
    private static final int ROUNDS = 300; // far more than needed

    private final int degree;
    private final Complex[] rising; // the first and the last are not 0
    private final Complex[] falling;
    private final double[] bounds; // of the rounding error of Horner's rule at z, in epsilons: sum of (4k+1)|a[k]||z|^k
    private final double[] boundsFalling;

    private Roots(Complex[] rising) {
        this.rising = rising;
        degree = rising.length - 1;
        falling = new Complex[degree + 1];
        bounds = new double[degree + 1];
        boundsFalling = new double[degree + 1];
        for (int k = 0; k <= degree; k++) {
            falling[degree - k] = rising[k];
            bounds[k] = rising[k].size() * (4 * k + 1);
            boundsFalling[degree - k] = bounds[k];
        }
    }

    /** The roots, as many as the degree, ordered by real and then imaginary part; coefficients by falling power. */
    static List<Complex> solve(List<Complex> coefficients) {
        List<Complex> rising = new ArrayList<>(coefficients);
        Collections.reverse(rising);
        while (!rising.isEmpty() && rising.get(rising.size() - 1).isZero()) {
            rising.remove(rising.size() - 1); // leading zeros
        }
        if (rising.isEmpty()) {
            throw new IllegalArgumentException("coefficients: all are 0, so every number is a root");
        }
        List<Complex> found = new ArrayList<>();
        while (rising.get(0).isZero()) {
            rising.remove(0);
            found.add(Complex.ZERO); // a root that is exactly 0
        }
        for (Complex z : nonzero(rising.toArray(new Complex[0]))) {
            found.add(new Complex(z.re() + 0.0, z.im() + 0.0)); // no -0.0
        }
        found.sort(Comparator.comparingDouble(Complex::re).thenComparingDouble(Complex::im));
        return found;
    }

    /** With x = y * 2^shift the roots' geometric mean is about 1, and no power overflows. */
    private static Complex[] nonzero(Complex[] rising) {
        int degree = rising.length - 1;
        if (degree == 0) {
            return new Complex[0];
        }
        long shift = Math.round((log2(rising[0].size()) - log2(rising[degree].size())) / degree);
        double top = Double.NEGATIVE_INFINITY;
        for (int k = 0; k <= degree; k++) {
            top = Math.max(top, log2(rising[k].size()) + k * shift);
        }
        Complex[] scaled = new Complex[degree + 1];
        for (int k = 0; k <= degree; k++) {
            scaled[k] = rising[k].scaled(k * shift - (long) top);
        }
        if (scaled[0].isZero() || scaled[degree].isZero()) {
            throw new IllegalArgumentException("coefficients: their sizes differ too much for numbers of 64 bits");
        }
        Complex[] found = new Roots(scaled).run();
        for (int i = 0; i < degree; i++) {
            found[i] = found[i].scaled(shift);
            if (!Double.isFinite(found[i].size())) {
                throw new IllegalArgumentException("coefficients: a root is too large for a number of 64 bits");
            }
        }
        return found;
    }

    private static double log2(double x) {
        return Math.log(x) / Math.log(2);
    }

    private Complex[] run() {
        Complex[] z = startingPoints();
        boolean[] done = new boolean[degree];
        for (int round = 0, left = degree; round < ROUNDS && left > 0; round++) {
            for (int i = 0; i < degree; i++) {
                if (!done[i] && !improve(z, i)) {
                    done[i] = true;
                    left--;
                }
            }
        }
        if (Arrays.stream(rising).allMatch(a -> a.im() == 0)) {
            Arrays.setAll(z, i -> onAxis(z[i]));
        }
        return z;
    }

    /** For each edge of the Newton polygon, as many points on a circle as the edge is long. */
    private Complex[] startingPoints() {
        Complex[] z = new Complex[degree];
        int count = 0;
        List<Integer> corners = upperHull();
        for (int c = 0; c + 1 < corners.size(); c++) {
            int k = corners.get(c);
            int m = corners.get(c + 1);
            double radius = Math.exp((height(k) - height(m)) / (m - k));
            for (int j = 0; j < m - k; j++) {
                double angle = 2 * Math.PI * ((double) j / (m - k) + (double) count / degree) + 0.7;
                z[count++] = new Complex(radius * Math.cos(angle), radius * Math.sin(angle));
            }
        }
        return z;
    }

    private double height(int k) {
        return Math.log(rising[k].size());
    }

    /** The powers at the corners of the upper convex hull of the coefficients' logarithms. */
    private List<Integer> upperHull() {
        List<Integer> hull = new ArrayList<>();
        for (int k = 0; k <= degree; k++) {
            if (rising[k].isZero()) {
                continue;
            }
            while (hull.size() > 1) {
                int a = hull.get(hull.size() - 2);
                int b = hull.get(hull.size() - 1);
                if ((b - a) * (height(k) - height(a)) < (height(b) - height(a)) * (k - a)) {
                    break;
                }
                hull.remove(hull.size() - 1);
            }
            hull.add(k);
        }
        return hull;
    }

    /** One step of root i; tells whether it can be made better still. */
    private boolean improve(Complex[] z, int i) {
        Complex x = z[i];
        Newton here = newton(x);
        if (here.error == 0) {
            return false;
        }
        Complex repulsion = Complex.ZERO;
        int twins = 0;
        for (Complex other : z) {
            if (other.equals(x)) {
                twins++;
            } else {
                repulsion = repulsion.plus(Complex.ONE.over(x.minus(other)));
            }
        }
        Complex divisor = Complex.ONE.minus(here.step.times(repulsion));
        Complex step = divisor.isZero() ? here.step : here.step.over(divisor);
        if (here.error < 1) { // as good as rounding lets us be sure of; go on while it visibly helps
            if (newton(x.minus(step)).error > here.error / 2) {
                return false;
            }
        } else if (twins > 1) { // two approximations in one place would stay together: part them
            double apart = (x.isZero() ? 1 : x.size()) * 1e-8 * (i + 1) / degree;
            step = step.plus(new Complex(apart, apart));
        }
        z[i] = x.minus(step);
        return step.size() > EPSILON * z[i].size();
    }

    /** Newton's step p(x)/p'(x), and |p(x)| in units of what rounding may have made of it. */
    private record Newton(Complex step, double error) {}

    private Newton newton(Complex x) {
        double size = x.size();
        if (size <= 1) {
            Complex[] at = horner(falling, x);
            double error = at[0].size() / (EPSILON * absolute(boundsFalling, size));
            return new Newton(at[1].isZero() ? new Complex(0.1 * size + 1e-3, 0) : at[0].over(at[1]), error);
        }
        // Outside the unit circle powers overflow: take the reversed polynomial q(w) = w^n p(1/w), w = 1/x.
        Complex w = Complex.ONE.over(x);
        Complex[] at = horner(rising, w);
        double error = at[0].size() / (EPSILON * absolute(bounds, 1 / size));
        if (error == 0) {
            return new Newton(Complex.ZERO, 0);
        }
        Complex ratio = new Complex(degree, 0).minus(w.times(at[1]).over(at[0])).times(w); // p'(x)/p(x)
        return new Newton(ratio.isZero() ? x.times(new Complex(0.1, 0)) : Complex.ONE.over(ratio), error);
    }

    /** Of a real polynomial's root whose imaginary part is rounding, the real part. */
    private Complex onAxis(Complex x) {
        if (x.im() == 0 || x.re() == 0 || Math.abs(x.im()) > 1e-3 * x.size()) {
            return x;
        }
        Complex real = new Complex(x.re(), 0);
        return newton(real).error < 1 ? real : x;
    }

    /** Value and derivative at x, coefficients by falling power. */
    private static Complex[] horner(Complex[] falling, Complex x) {
        Complex value = Complex.ZERO;
        Complex slope = Complex.ZERO;
        for (Complex a : falling) {
            slope = slope.times(x).plus(value);
            value = value.times(x).plus(a);
        }
        return new Complex[] {value, slope};
    }

    /** A polynomial with positive coefficients at a positive number. */
    private static double absolute(double[] falling, double size) {
        double value = 0;
        for (double a : falling) {
            value = value * size + a;
        }
        return value;
    }
}
