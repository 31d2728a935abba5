// The instruments that there are, one for each Measure; a source file for each.
#pragma once

#include <tare/apps/compare/instruments/instrument.h>

namespace TARE_NAMESPACE {

/// Null for Measure::nothing. Borrows the setting.
std::unique_ptr<Instrument> make_instrument(Measure measure, const RunSetting& setting);

std::unique_ptr<Instrument> make_effective_lr_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_gradient_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_landscape_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_shift_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_gamma_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_variance_instrument(const RunSetting& setting);
std::unique_ptr<Instrument> make_dropout_instrument(const RunSetting& setting);

}  // namespace TARE_NAMESPACE
