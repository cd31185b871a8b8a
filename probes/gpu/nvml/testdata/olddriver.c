/* A driver library of long ago: it has the oldest functions only. Whoever
   calls another one ends the process with "symbol lookup error". */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int ret;
typedef struct { unsigned long long total, free, used; } memory;
typedef struct {
	unsigned int field, scope;
	long long timestamp, latency;
	unsigned int type, status;
	union { double d; unsigned int u; unsigned long long ull; long long ll; int i; } value;
} field;

static int device;

ret nvmlInit_v2(void) { return 0; }
ret nvmlShutdown(void) { return 0; }
ret nvmlSystemGetDriverVersion(char *out, unsigned int n) { snprintf(out, n, "418.226.00"); return 0; }
ret nvmlDeviceGetCount_v2(unsigned int *n) { *n = 1; return 0; }
ret nvmlDeviceGetHandleByIndex_v2(unsigned int i, void **d) { *d = &device; return i == 0 ? 0 : 2; }
ret nvmlDeviceGetName(void *d, char *out, unsigned int n) { snprintf(out, n, "Tesla V100-SXM2-16GB"); return 0; }
ret nvmlDeviceGetMemoryInfo(void *d, memory *m) { m->total = 16ULL << 30; m->used = 4ULL << 30; m->free = 12ULL << 30; return 0; }
ret nvmlDeviceGetTemperature(void *d, int sensor, unsigned int *t) { *t = 41; return 0; }
ret nvmlDeviceGetPowerUsage(void *d, unsigned int *mw) { *mw = 0xFFFFFFFFu; return 0; }
ret nvmlDeviceGetCurrentClocksThrottleReasons(void *d, unsigned long long *mask) { *mask = 0x20; return 0; }
ret nvmlDeviceGetComputeRunningProcesses(void *d, unsigned int *n, void *rows) { *n = 0; return 0; }

ret nvmlDeviceGetFieldValues(void *d, int n, field *f) {
	for (int i = 0; i < n; i++) {
		f[i].status = 0;
		switch (f[i].field) {
		case 82: f[i].type = 1; f[i].value.u = 39; break;             /* memory °C */
		case 83: f[i].type = 3; f[i].value.ull = 123456; break;       /* mJ */
		case 94: f[i].type = 1; f[i].value.u = 0xFFFFFFFFu; break;    /* no number */
		case 194: f[i].type = 5; f[i].value.i = -2; break;            /* signed */
		case 4: f[i].type = 0; f[i].value.d = 0.0 / 0.0; break;       /* not a number */
		default: f[i].status = 3;
		}
	}
	return 0;
}
