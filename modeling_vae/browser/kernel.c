// The arithmetic of a decoder, for WebAssembly with SIMD: convolution, modulation, and the sum of pictures.
//
// A map is [height][width][channels], float32. A padded one has a border of one zero pixel all around, so that a
// convolution needs no cases at its edges; a row of it is (width + 2) * channels numbers long. Nothing is allocated
// here: the caller gives addresses in this module's memory, from __heap_base on.

typedef float f4 __attribute__((vector_size(16), aligned(4)));

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))

static f4 load(const float *from) { return *(const f4 *)from; }
static void store(float *to, f4 value) { *(f4 *)to = value; }
static f4 leaky(f4 x, float slope) { return __builtin_elementwise_max(x, x * slope); }  // slope is below 1

// `pixels` neighbours of an output row times 4 * `fours` output channels; both are constants where it is called, so that
// the sums stay in registers. Along a row of the kernel the taps of one pixel lie side by side: `run` = size * inputs.
INLINE void tile(const float *in, int in_step, int in_row, const float *weights, const float *bias, float *out,
                 int out_step, int size, int run, const int pixels, const int fours) {
    f4 sum[4][2];
    for (int p = 0; p < pixels; p++)
        for (int f = 0; f < fours; f++) sum[p][f] = load(bias + 4 * f);
    for (int row = 0; row < size; row++, in += in_row)
        for (int i = 0; i < run; i++, weights += 4 * fours)
            for (int p = 0; p < pixels; p++)
                for (int f = 0; f < fours; f++) sum[p][f] += load(weights + 4 * f) * in[p * in_step + i];
    for (int p = 0; p < pixels; p++)
        for (int f = 0; f < fours; f++) store(out + p * out_step + 4 * f, sum[p][f]);
}

INLINE void rows(const float *in, int stride, int in_row, const float *weights, const float *bias, float *out,
                 int out_step, int out_row, int height, int width, int size, int inputs, const int fours) {
    const int step = stride * inputs, run = size * inputs;
    for (int y = 0; y < height; y++) {
        const float *from = in + y * stride * in_row;
        float *to = out + y * out_row;
        int x = 0;
        for (; x + 4 <= width; x += 4, from += 4 * step, to += 4 * out_step)
            tile(from, step, in_row, weights, bias, to, out_step, size, run, 4, fours);
        for (; x < width; x++, from += step, to += out_step)
            tile(from, step, in_row, weights, bias, to, out_step, size, run, 1, fours);
    }
}

// A convolution with a kernel of size x size. `in` is the first tap of the first output pixel; a row of the input is
// `in_row` numbers, a pixel of the output `out_step`, a row `out_row`. `outputs` is a multiple of 4; weights are
// [outputs / block][size][size][inputs][block], in blocks of 8 channels where 8 divides `outputs`, else of 4.
EXPORT(convolve)
void convolve(const float *in, int stride, int in_row, const float *weights, const float *bias, float *out, int out_step,
              int out_row, int height, int width, int size, int inputs, int outputs) {
    const int block = outputs % 8 ? 4 : 8, taps = size * size * inputs * block;
    for (int channel = 0; channel < outputs; channel += block, weights += taps) {
        if (block == 8)
            rows(in, stride, in_row, weights, bias + channel, out + channel, out_step, out_row, height, width, size,
                 inputs, 2);
        else
            rows(in, stride, in_row, weights, bias + channel, out + channel, out_step, out_row, height, width, size,
                 inputs, 1);
    }
}

static float total(f4 a, f4 b) {
    const f4 both = a + b;
    return (both[0] + both[1]) + (both[2] + both[3]);
}

// Group norm over groups of 8 channels (Wu and He 2018), scaled and shifted per channel, then the leaky activation.
// `in` is [height * width][channels]; it is written to `out`, whose rows are `out_row` numbers long, or added to it
// where `keep` is 1 and not 0. `norm` is [2][channels], its scales and shifts; `style` likewise, to whose scales
// `base` is added.
EXPORT(modulate)
void modulate(const float *in, float *out, int out_row, int height, int width, int channels, const float *norm,
              const float *style, float base, float slope, float keep) {
    const float share = 1.0f / (8 * height * width);
    for (int group = 0; group < channels; group += 8) {
        f4 sum[2] = {}, squares[2] = {};
        for (int y = 0; y < height; y++) {  // row by row, which loses fewer digits than one long sum
            f4 row[2] = {};
            for (int x = 0; x < width; x++)
                for (int f = 0; f < 2; f++) row[f] += load(in + (y * width + x) * channels + group + 4 * f);
            for (int f = 0; f < 2; f++) sum[f] += row[f];
        }
        const float mean = total(sum[0], sum[1]) * share;
        for (int y = 0; y < height; y++) {
            f4 row[2] = {};
            for (int x = 0; x < width; x++)
                for (int f = 0; f < 2; f++) {
                    const f4 away = load(in + (y * width + x) * channels + group + 4 * f) - mean;
                    row[f] += away * away;
                }
            for (int f = 0; f < 2; f++) squares[f] += row[f];
        }
        const float scale = 1.0f / __builtin_sqrtf(total(squares[0], squares[1]) * share + 1e-5f);
        f4 times[2], plus[2];
        for (int f = 0; f < 2; f++) {
            const int channel = group + 4 * f;
            const f4 strength = load(style + channel) + base, gain = load(norm + channel) * scale;
            times[f] = gain * strength;
            plus[f] = (load(norm + channels + channel) - gain * mean) * strength + load(style + channels + channel);
        }
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int f = 0; f < 2; f++) {
                    const f4 value = load(in + (y * width + x) * channels + group + 4 * f) * times[f] + plus[f];
                    float *to = out + y * out_row + x * channels + group + 4 * f;
                    store(to, keep * load(to) + leaky(value, slope));
                }
    }
}

// The leaky activation of `count` numbers, a multiple of 4, in place.
EXPORT(activate)
void activate(float *values, int count, float slope) {
    for (int i = 0; i < count; i += 4) store(values + i, leaky(load(values + i), slope));
}

// Adds a picture [height][width][4], twice as large and bilinear between its pixels, to `out` [2 height][2 width][4].
EXPORT(enlarge_onto)
void enlarge_onto(const float *in, float *out, int height, int width) {
    for (int y = 0; y < 2 * height; y++)
        for (int x = 0; x < 2 * width; x++) {
            const int row = y / 2, column = x / 2;
            int beside = row + (y % 2 ? 1 : -1), next = column + (x % 2 ? 1 : -1);
            beside = beside < 0 || beside == height ? row : beside;
            next = next < 0 || next == width ? column : next;
            const float *near = in + row * width * 4, *far = in + beside * width * 4;
            const f4 middle = 0.75f * load(near + 4 * column) + 0.25f * load(near + 4 * next);
            const f4 edge = 0.75f * load(far + 4 * column) + 0.25f * load(far + 4 * next);
            float *to = out + (y * 2 * width + x) * 4;
            store(to, load(to) + 0.75f * middle + 0.25f * edge);
        }
}
