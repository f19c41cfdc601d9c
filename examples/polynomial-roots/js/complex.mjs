// Complex numbers.

export class Complex {
  constructor(re, im = 0) {
    this.re = re;
    this.im = im;
  }

  plus(z) {
    return new Complex(this.re + z.re, this.im + z.im);
  }

  minus(z) {
    return new Complex(this.re - z.re, this.im - z.im);
  }

  times(z) {
    return new Complex(this.re * z.re - this.im * z.im, this.re * z.im + this.im * z.re);
  }

  scaled(factor) {
    return new Complex(this.re * factor, this.im * factor);
  }

  /** Smith's method: no square of a large or small number overflows. */
  over(z) {
    if (Math.abs(z.re) >= Math.abs(z.im)) {
      const ratio = z.im / z.re;
      const divisor = z.re + z.im * ratio;
      return new Complex((this.re + this.im * ratio) / divisor, (this.im - this.re * ratio) / divisor);
    }
    const ratio = z.re / z.im;
    const divisor = z.re * ratio + z.im;
    return new Complex((this.re * ratio + this.im) / divisor, (this.im * ratio - this.re) / divisor);
  }

  get size() {
    return Math.hypot(this.re, this.im);
  }

  get isZero() {
    return this.re === 0 && this.im === 0;
  }
}
