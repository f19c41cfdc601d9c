/** A complex number. */
record Complex(double re, double im) {
    static final Complex ZERO = new Complex(0, 0);
    static final Complex ONE = new Complex(1, 0);

    Complex plus(Complex z) {
        return new Complex(re + z.re, im + z.im);
    }

    Complex minus(Complex z) {
        return new Complex(re - z.re, im - z.im);
    }

    Complex times(Complex z) {
        return new Complex(re * z.re - im * z.im, re * z.im + im * z.re);
    }

    /** Smith's method: no square of a large or small number overflows. */
    Complex over(Complex z) {
        if (Math.abs(z.re) >= Math.abs(z.im)) {
            double ratio = z.im / z.re;
            double divisor = z.re + z.im * ratio;
            return new Complex((re + im * ratio) / divisor, (im - re * ratio) / divisor);
        }
        double ratio = z.re / z.im;
        double divisor = z.re * ratio + z.im;
        return new Complex((re * ratio + im) / divisor, (im * ratio - re) / divisor);
    }

    /** This times 2^exponent. */
    Complex scaled(long exponent) {
        int e = (int) Math.max(-5000, Math.min(5000, exponent));
        return new Complex(Math.scalb(re, e), Math.scalb(im, e));
    }

    double size() {
        return Math.hypot(re, im);
    }

    boolean isZero() {
        return re == 0 && im == 0;
    }
}
