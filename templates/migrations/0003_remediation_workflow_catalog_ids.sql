-- The catalogue as DataStorage reads and writes it: a row is identified by a generated UUID, and what was its
-- identifier becomes `workflow_name`, unique with the version. Rows keep their content, and a table that has the
-- columns already keeps its shape. No column is added beyond those of the service, which selects `*`.

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'remediation_workflow_catalog'::regclass AND attname = 'workflow_name' AND NOT attisdropped
    ) THEN
        ALTER TABLE remediation_workflow_catalog DROP CONSTRAINT remediation_workflow_catalog_pkey;
        ALTER TABLE remediation_workflow_catalog RENAME COLUMN workflow_id TO workflow_name;
        ALTER TABLE remediation_workflow_catalog
            ADD COLUMN workflow_id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
            ADD CONSTRAINT remediation_workflow_catalog_name_version_key UNIQUE (workflow_name, version);
    END IF;
END
$$;

-- Not by UPDATE, which would touch `updated_at`.
ALTER TABLE remediation_workflow_catalog
    ALTER COLUMN description TYPE text USING coalesce(description, ''),
    ALTER COLUMN description SET NOT NULL;

ALTER TABLE remediation_workflow_catalog
    ADD COLUMN IF NOT EXISTS custom_labels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS detected_labels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN IF NOT EXISTS version_notes text,
    ADD COLUMN IF NOT EXISTS change_summary text,
    ADD COLUMN IF NOT EXISTS approved_by varchar(255),
    ADD COLUMN IF NOT EXISTS approved_at timestamptz,
    ADD COLUMN IF NOT EXISTS parameters jsonb,
    ADD COLUMN IF NOT EXISTS execution_engine varchar(50) NOT NULL DEFAULT 'tekton',
    ADD COLUMN IF NOT EXISTS container_image text,
    ADD COLUMN IF NOT EXISTS container_digest varchar(71),
    ADD COLUMN IF NOT EXISTS expected_success_rate numeric(4, 3) CHECK (expected_success_rate BETWEEN 0 AND 1),
    ADD COLUMN IF NOT EXISTS actual_success_rate numeric(4, 3) CHECK (actual_success_rate BETWEEN 0 AND 1),
    ADD COLUMN IF NOT EXISTS expected_duration_seconds integer,
    ADD COLUMN IF NOT EXISTS total_executions integer DEFAULT 0 CHECK (total_executions >= 0),
    ADD COLUMN IF NOT EXISTS successful_executions integer DEFAULT 0
        CHECK (successful_executions BETWEEN 0 AND total_executions),
    ADD COLUMN IF NOT EXISTS created_by varchar(255),
    ADD COLUMN IF NOT EXISTS updated_by varchar(255);

DROP INDEX IF EXISTS remediation_workflow_catalog_latest_idx;
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_name_idx ON remediation_workflow_catalog (workflow_name);
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_latest_name_idx
    ON remediation_workflow_catalog (workflow_name) WHERE is_latest_version;
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_custom_labels_idx
    ON remediation_workflow_catalog USING gin (custom_labels);
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_detected_labels_idx
    ON remediation_workflow_catalog USING gin (detected_labels);
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_created_idx
    ON remediation_workflow_catalog (created_at DESC);
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_digest_idx
    ON remediation_workflow_catalog (container_digest) WHERE container_digest IS NOT NULL;
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_success_idx
    ON remediation_workflow_catalog (actual_success_rate DESC) WHERE status = 'active';
