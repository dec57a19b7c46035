// The verbs of `cotter`, one file each.
// Never more than options and text here: what a verb does is server/app. One thread.
#pragma once

namespace CLI {
class App;
}

namespace cotter::cli {

struct Context;

// Each adds its subcommand; the callback runs it and leaves the exit code in `context`, which must outlive
// `app`.
void add_init(CLI::App& app, Context& context);
void add_key(CLI::App& app, Context& context);
void add_publish(CLI::App& app, Context& context);
void add_release(CLI::App& app, Context& context);
void add_ceremony(CLI::App& app, Context& context);
void add_check(CLI::App& app, Context& context);
void add_who_can_sign(CLI::App& app, Context& context);
void add_hardware(CLI::App& app, Context& context);
void add_vehicle(CLI::App& app, Context& context);
void add_assign(CLI::App& app, Context& context);
void add_audit(CLI::App& app, Context& context);
void add_trace(CLI::App& app, Context& context);
void add_token(CLI::App& app, Context& context);
void add_supplier(CLI::App& app, Context& context);
void add_vehicle_import(CLI::App& vehicle, Context& context);   ///< beneath `vehicle`
void add_vehicle_list(CLI::App& vehicle, Context& context);     ///< beneath `vehicle`
void add_vehicle_ecu(CLI::App& vehicle, Context& context);      ///< beneath `vehicle`
void add_vehicle_tag(CLI::App& vehicle, Context& context);      ///< beneath `vehicle`
void add_supplier_judge(CLI::App& supplier, Context& context);  ///< beneath `supplier`
void add_submit(CLI::App& app, Context& context);
void add_audit_verify(CLI::App& audit, Context& context);  ///< beneath `audit`

void add_ceremony_open(CLI::App& ceremony, Context& context);  ///< beneath `ceremony`

// Below `cotter key`.
void add_blast_radius(CLI::App& key, Context& context);
void add_forecast(CLI::App& key, Context& context);
void add_key_generate(CLI::App& key, Context& context);
void add_key_import(CLI::App& key, Context& context);
void add_key_move(CLI::App& key, Context& context);
void add_key_rotate(CLI::App& key, Context& context);

}  // namespace cotter::cli
