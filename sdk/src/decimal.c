#include <connect/decimal.h>
