// The baseline of `bench ecu`: what libsodium and the language's runtime weigh with no program around them.
#include <sodium.h>

int main() { return sodium_init() < 0 ? 1 : 0; }
